"""Reads pages that questions refer to, by whichever client the caller's code is written for."""

import aiohttp
import httpx
import requests
from fastapi import APIRouter

router = APIRouter()


@router.get("/fetch")
async def fetch(url: str) -> dict[str, int]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return {"status": response.status, "length": len(await response.read())}


@router.get("/head")
async def head(url: str) -> dict[str, int]:
    async with httpx.AsyncClient() as client:
        return {"status": (await client.head(url)).status_code}


@router.get("/status")
def status(url: str) -> dict[str, int]:
    return {"status": requests.head(url, timeout=10).status_code}
