"""Results: what happened at each step by day and revision, and who is behind the numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import BigId, Words

revision = "0009"
down_revision = "0008"

DAYS = {"sqlite": "CAST(julianday(date({at})) - 2440587.5 AS INTEGER)"}
DAYS["postgresql"] = "CAST(({at} AT TIME ZONE 'UTC')::date - DATE '1970-01-01' AS INTEGER)"
GOALS = {"sqlite": "json_extract(r.state, '$.goal')", "postgresql": "r.state ->> 'goal'"}
BEGIN = "INSERT INTO step_days (automation_id, day, revision_id, step, what, name, n)"


def upgrade() -> None:
    """Create the table and fill it from what is known; before this, days are those of UTC."""
    op.create_table(
        "step_days",
        sa.Column("automation_id", BigId, autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision_id", BigId, autoincrement=False, nullable=False),
        sa.Column("step", Words(), nullable=False),
        sa.Column("what", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("n", BigId, nullable=False),
        sa.PrimaryKeyConstraint(
            *("automation_id", "day", "revision_id", "step", "what", "name"),
            name=op.f("pk_step_days"),
        ),
    )
    waiting = sa.text("status = 'waiting'")
    op.create_index(
        "ix_runs_inside",
        "runs",
        ["automation_id", "step", "id", "revision_id", "status"],
        unique=False,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    gone = sa.text("did IN ('left', 'failed', 'ended')")
    op.create_index(
        "ix_visits_gone",
        "visits",
        ["automation_id", "step", "at", "id"],
        unique=False,
        sqlite_where=gone,
        postgresql_where=gone,
    )
    for statement in _counts(op.get_bind().dialect.name):
        op.execute(sa.text(statement.replace("::", r"\:\:")))


def _counts(dialect: str) -> list[str]:
    def day(column: str) -> str:
        return DAYS[dialect].format(at=column)

    def runs(at: str, step: str, what: str, name: str, where: str) -> str:
        return (
            f"{BEGIN} SELECT r.automation_id, {day(at)}, r.revision_id, {step}, '{what}', {name},"  # noqa: S608  all of it is ours
            f" count(*) FROM runs r WHERE {where} GROUP BY 1, 2, 3, 4, 5, 6"
        )

    def messages(word: str, where: str) -> str:
        return (
            f"{BEGIN} SELECT m.automation_id, {day('m.created_at')}, r.revision_id,"  # noqa: S608
            f" coalesce(m.step, ''), 'message', '{word}', count(*)"
            f" FROM messages m JOIN runs r ON r.id = m.run_id"
            f" WHERE m.direction = 'out' AND m.automation_id IS NOT NULL AND {where}"
            " GROUP BY 1, 2, 3, 4, 5, 6"
        )

    over, goal = "r.ended_at IS NOT NULL", GOALS[dialect]
    return [
        runs("r.started_at", "''", "run", "'started'", "1 = 1"),
        runs("r.ended_at", "''", "run", "r.status", over),
        runs("r.ended_at", "coalesce(r.step, '')", "left", "r.status", over),
        runs("r.ended_at", "''", "goal", goal, f"{over} AND coalesce({goal}, '') <> ''"),
        (
            f"{BEGIN} SELECT v.automation_id, {day('v.at')}, r.revision_id, v.step, 'exit', v.exit,"  # noqa: S608
            " count(*) FROM visits v JOIN runs r ON r.id = v.run_id"
            " WHERE v.did = 'left' AND coalesce(v.exit, '') <> '' GROUP BY 1, 2, 3, 4, 5, 6"
        ),
        messages("sent", "m.sent_at IS NOT NULL"),
        messages("delivered", "m.delivered_at IS NOT NULL"),
        messages("read", "m.read_at IS NOT NULL"),
        messages("failed", "m.state = 'failed'"),
        messages("not_sent", "m.state IN ('suppressed', 'expired')"),
        messages("unconfirmed", "m.state = 'unconfirmed'"),
    ]
