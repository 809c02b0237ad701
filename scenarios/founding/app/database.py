"""Where questions are kept: PostgreSQL where DATABASE_URL says so, else memory."""

import os

import psycopg2.extras
from sqlalchemy import String, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

DRIVER = psycopg2.extras.DictCursor


class Base(DeclarativeBase):
    pass


class Question(Base):
    __tablename__ = "questions"
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(String(4000))


def connect():
    url = os.environ.get("DATABASE_URL")
    if url:
        return create_engine(url, connect_args={"cursor_factory": DRIVER})
    return create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)


engine = connect()
Base.metadata.create_all(engine)


def record(provider: str, text: str) -> None:
    with Session(engine) as session:
        session.add(Question(provider=provider, text=text))
        session.commit()


def record_count() -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Question)) or 0
