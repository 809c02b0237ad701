"""One function a provider; clients are made when they are asked, so that no key is needed to start."""

import os
from typing import Callable

import anthropic
import cohere
import google.generativeai as genai
import openai
import replicate
import together
from fastapi import APIRouter, HTTPException

from app.database import record

router = APIRouter()


def ask_openai(text: str) -> str:
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-3.5-turbo", messages=[{"role": "user", "content": text}]
    )
    return answer.choices[0].message.content or ""


def ask_anthropic(text: str) -> str:
    prompt = f"{anthropic.HUMAN_PROMPT} {text}{anthropic.AI_PROMPT}"
    return anthropic.Anthropic().completions.create(
        model="claude-2.1", max_tokens_to_sample=500, prompt=prompt
    ).completion


def ask_cohere(text: str) -> str:
    return cohere.Client(os.environ["COHERE_API_KEY"]).chat(text).text


def ask_google(text: str) -> str:
    genai.configure(api_key=os.environ["GOOGLE_API_KEY"])
    return genai.GenerativeModel("gemini-pro").generate_content(text).text


def ask_replicate(text: str) -> str:
    return "".join(replicate.run("meta/llama-2-70b-chat", input={"prompt": text}))


def ask_together(text: str) -> str:
    answer = together.Together().completions.create(
        model="mistralai/Mixtral-8x7B-Instruct-v0.1", prompt=text, max_tokens=500
    )
    return answer.choices[0].text


PROVIDERS: dict[str, Callable[[str], str]] = {
    "openai": ask_openai,
    "anthropic": ask_anthropic,
    "cohere": ask_cohere,
    "google": ask_google,
    "replicate": ask_replicate,
    "together": ask_together,
}


@router.post("/ask/{provider}")
def ask(provider: str, text: str) -> dict[str, str]:
    if provider not in PROVIDERS:
        raise HTTPException(404, f"no provider {provider}")
    record(provider, text)
    return {"provider": provider, "answer": PROVIDERS[provider](text)}
