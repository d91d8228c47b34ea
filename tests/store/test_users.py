"""Who may come in: passwords, sessions, API keys."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from store import api_keys, sessions, users
from store.database import Database
from store.errors import InvalidError

pytestmark = pytest.mark.anyio
WEEK = timedelta(days=7)
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2 is slow on purpose; its strength is not what is tested here."""
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=64))


@pytest.fixture
async def ada(db: Database, company: int, now: datetime) -> int:
    async with db.write() as tx:
        return await users.create(
            tx, company, email=" Ada@Example.com", password=PASSWORD, role="owner", now=now
        )


async def test_the_right_password_opens(db: Database, company: int, ada: int) -> None:
    async with db.write() as tx:
        user = await users.verify(tx, "ADA@example.com", PASSWORD)
        assert user is not None
        assert (user.id, user.company_id, user.role) == (ada, company, "owner")
        assert await users.verify(tx, "ada@example.com", PASSWORD.upper()) is None
        assert await users.find_by_email(tx, "ada@EXAMPLE.com") == user
        assert await users.of_company(tx, company) == [user]


async def test_an_unknown_email_costs_the_same_work(
    db: Database, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    plain = users._matches

    def matches(stored: str, password: str) -> bool:
        checked.append(stored)
        return plain(stored, password)

    monkeypatch.setattr(users, "_matches", matches)
    async with db.write() as tx:
        assert await users.verify(tx, "nobody@example.com", PASSWORD) is None
        assert await users.verify(tx, "ada@example.com", "wrong password") is None
    assert len(checked) == 2
    assert all(stored.startswith("$argon2id$") for stored in checked)


async def test_a_weak_hash_is_renewed(
    db: Database, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=2, memory_cost=64))
    async with db.write() as tx:
        await users.renew(tx, ada, PASSWORD)
        stored = await tx.scalar(sa.select(users.users.c.password_hash))
        assert "t=2" in str(stored)
        assert await users.verify(tx, "ada@example.com", PASSWORD) is not None


async def test_emails_are_unique_and_passwords_long(
    db: Database, company: int, ada: int, now: datetime
) -> None:
    async with db.write() as tx:
        with pytest.raises(InvalidError, match="exists already"):
            await users.create(tx, company, email="ADA@example.com", password=PASSWORD, now=now)
        with pytest.raises(InvalidError, match="at least 10"):
            await users.create(tx, company, email="b@example.com", password="short", now=now)
        with pytest.raises(InvalidError, match="at least 10"):
            await users.set_password(tx, ada, "short")
        await users.set_password(tx, ada, "another long one")
        assert await users.verify(tx, "ada@example.com", PASSWORD) is None
        assert await users.verify(tx, "ada@example.com", "another long one") is not None


async def test_a_session_lasts_its_time(db: Database, ada: int, now: datetime) -> None:
    async with db.write() as tx:
        token = await sessions.open_for(tx, ada, now, WEEK)
        other = await sessions.open_for(tx, ada, now, WEEK)
        user = await sessions.find_user(tx, token, now + WEEK - timedelta(seconds=1))
        assert user is not None
        assert user.id == ada
        assert await sessions.find_user(tx, token, now + WEEK) is None
        assert await sessions.find_user(tx, "made up", now) is None
        assert token not in str((await tx.execute(sa.select(sessions.sessions))).all())
        await sessions.revoke(tx, token, now)
        assert await sessions.find_user(tx, token, now) is None
        assert await sessions.find_user(tx, other, now) is not None
        await sessions.revoke_all(tx, ada, now)
        assert await sessions.find_user(tx, other, now) is None
        assert await sessions.forget_expired(tx, now + WEEK * 2) == 2


async def test_a_disabled_user_is_out_at_once(
    db: Database, company: int, ada: int, now: datetime
) -> None:
    async with db.write() as tx:
        token = await sessions.open_for(tx, ada, now, WEEK)
        await users.disable(tx, company + 1, ada, now)
        assert await sessions.find_user(tx, token, now) is not None
        await users.disable(tx, company, ada, now)
        assert await sessions.find_user(tx, token, now) is None
        assert await users.verify(tx, "ada@example.com", PASSWORD) is None


async def test_an_api_key_is_seen_once(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        key = await api_keys.create(tx, company, "Shop", now)
        assert key.startswith("tt_")
        assert len(key) == 43
        found = await api_keys.find_company(tx, key)
        assert found is not None
        assert (found.company_id, found.last4, found.last_used_at) == (company, key[-4:], None)
        assert api_keys.use_is_worth_noting(found, now)
        await api_keys.note_use(tx, found.id, now)
        [listed] = await api_keys.of_company(tx, company)
        assert listed.last_used_at == now
        assert not api_keys.use_is_worth_noting(listed, now + timedelta(seconds=59))
        await api_keys.revoke(tx, company + 1, found.id, now)
        assert await api_keys.find_company(tx, key) is not None
        await api_keys.revoke(tx, company, found.id, now)
        assert await api_keys.find_company(tx, key) is None
        assert key not in str((await tx.execute(sa.select(api_keys.api_keys))).all())
