"""Answers questions by whichever model provider is asked for, and keeps what was asked."""

from fastapi import FastAPI

from app.database import record_count
from app.routers import analysis, ask, fetch

app = FastAPI(title="founding")
app.include_router(ask.router)
app.include_router(analysis.router)
app.include_router(fetch.router)


@app.get("/healthz")
def healthz() -> dict[str, object]:
    return {"status": "ok", "providers": sorted(ask.PROVIDERS), "records": record_count()}
