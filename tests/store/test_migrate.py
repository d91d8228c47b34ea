"""A migrated database is exactly what the tables in the code say, on both dialects."""

import asyncio
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from store.database import Database
from store.migrate import head, migrate
from store.schema import metadata

pytestmark = pytest.mark.anyio

INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


async def indexes_of(db: Database) -> set[tuple[str, str]]:
    """Every index with its definition, partial conditions and all."""
    async with db.read() as tx:
        rows = await tx.execute(sa.text(INDEXES[db.dialect]))
        return {(name, " ".join(text.split())) for name, text in rows if "alembic" not in name}


async def test_migrated_schema_is_the_metadata(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    db = Database(empty_database_url)
    async with db.read() as tx:

        def compare(connection: sa.Connection) -> list[object]:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            return list(compare_metadata(context, metadata))

        assert await tx.run_sync(compare) == []
    migrated = await indexes_of(db)
    async with db.write() as tx:
        await tx.run_sync(metadata.drop_all)
        await tx.run_sync(metadata.create_all)
    assert migrated == await indexes_of(db)
    await db.close()


async def test_all_at_once_in_one_process(empty_database_url: str) -> None:
    await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))
    db = Database(empty_database_url)
    async with db.read() as tx:
        versions = (await tx.execute(sa.text("SELECT version_num FROM alembic_version"))).scalars()
        assert list(versions) == [head()]
    await db.close()


async def test_several_processes_start_at_once(empty_database_url: str) -> None:
    code = (
        "import asyncio, sys; from store.migrate import migrate; asyncio.run(migrate(sys.argv[1]))"
    )
    root = Path(__file__).parents[2]
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, empty_database_url, cwd=root, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    answers = [await child.communicate() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], answers


async def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    await migrate(f"sqlite:///{tmp_path}/new/folder/tiptoe.db")
    assert (tmp_path / "new" / "folder" / "tiptoe.db").exists()
