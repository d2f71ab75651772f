"""Make a client; no request is sent."""

from openai import OpenAI

print(OpenAI(api_key="none").base_url)
