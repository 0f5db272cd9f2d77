import asyncio
from collections.abc import Sequence

from app.application.gathering import Gathering
from tests.fakes import until


class Work:
    """Notes its groups. The first one waits until it is released."""

    def __init__(self, done: bool = True) -> None:
        self.groups: list[list[str]] = []
        self.released = asyncio.Event()
        self._done = done

    async def __call__(self, items: Sequence[str]) -> bool:
        self.groups.append(list(items))
        if len(self.groups) == 1:
            await self.released.wait()
        return self._done


async def test_what_comes_in_while_it_is_busy_is_one_group() -> None:
    work = Work()
    gathering = Gathering(work)
    first = asyncio.create_task(gathering.run(["a"]))
    await until(lambda: work.groups == [["a"]])
    others = [asyncio.create_task(gathering.run(items)) for items in (["b", "c"], ["d"])]
    await asyncio.sleep(0)
    work.released.set()
    assert await asyncio.gather(first, *others) == [True, True, True]
    assert work.groups == [["a"], ["b", "c", "d"]]


async def test_all_of_a_group_learn_that_it_failed() -> None:
    work = Work(done=False)
    work.released.set()
    gathering = Gathering(work)
    outcomes = await asyncio.gather(*(gathering.run([item]) for item in "ab"))
    assert outcomes == [False, False]
    assert work.groups == [["a", "b"]]


async def test_when_the_one_that_works_for_all_is_cancelled_the_others_learn_it() -> None:
    work = Work()
    gathering = Gathering(work)
    first = asyncio.create_task(gathering.run(["a"]))
    second = asyncio.create_task(gathering.run(["b"]))
    await until(lambda: work.groups == [["a", "b"]])
    first.cancel()
    assert await second is False
    assert await gathering.run(["c"]) is True
