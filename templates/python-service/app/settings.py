"""Settings, read from the environment."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    service_name: str
    host: str = "127.0.0.1"
    port: int = 8000
    database_url: str
    broker_url: str
    log_level: str = "INFO"
