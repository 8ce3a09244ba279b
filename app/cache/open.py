"""Opening the cache: the one place that decides between Redis and its null twins."""

from dataclasses import dataclass

from app.cache.answers import Answers, NullAnswers, RedisAnswers
from app.cache.client import RedisClient
from app.cache.keys import KeyEpochs, NullKeyEpochs, RedisKeyEpochs
from app.cache.pubsub import Changes, NullChanges, RedisChanges
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Cache:
    """What a process asks Redis for."""

    answers: Answers
    key_epochs: KeyEpochs
    changes: Changes
    client: RedisClient | None

    async def close(self) -> None:
        """Give back the connections."""
        if isinstance(self.changes, RedisChanges):
            await self.changes.close()
        if isinstance(self.answers, RedisAnswers):
            await self.answers.close()
        if self.client is not None:
            await self.client.close()


def open_cache(settings: Settings) -> Cache:
    """The cache of settings.redis_url; one that remembers nothing when it is unset or switched off. Connects lazily."""
    if settings.redis_url is None or not settings.redis_enabled:
        return Cache(answers=NullAnswers(), key_epochs=NullKeyEpochs(), changes=NullChanges(), client=None)
    url = settings.redis_url.get_secret_value()
    client = RedisClient(url, timeout_s=settings.redis_timeout_s)
    return Cache(
        answers=RedisAnswers(client, settings),
        key_epochs=RedisKeyEpochs(client),
        changes=RedisChanges(url, timeout_s=settings.redis_timeout_s),
        client=client,
    )
