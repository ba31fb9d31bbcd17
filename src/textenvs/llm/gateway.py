"""What stands between an agent and a model: cache, budget, retries and limits of rate."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from textenvs.errors import BudgetExhausted, ModelError, NotCached
from textenvs.llm.budget import Budget, Ledger
from textenvs.llm.cache import Cache
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling, Usage
from textenvs.llm.prices import Price
from textenvs.llm.rate_limit import RateLimiter
from textenvs.llm.retry import Fault, RetryPolicy

__all__ = ["Gateway"]

_TOLD_AFTER = 3  # failures of one request: a few seconds, in which most faults have passed

logger = logging.getLogger(__name__)


class Gateway(LanguageModel):
    """A model with what a run needs around it.

    An answer comes from the cache if it is there. Otherwise the budget is checked, the request is
    sent (again, if it fails in a way that may pass), booked, and cached. Requests of a batch that
    must have the same answer are sent once.

    Args:
        model: who answers.
        cache: where answers are kept; None to keep none.
        offline: whether the model must not be asked: what is not cached is an error.
        budget: what may be spent.
        ledger: what was spent; None for one in memory.
        price: what a million tokens cost; None if unknown.
        concurrency: requests in flight, at most, of a model that is asked by single requests.
        limiter: requests and tokens a second.
        retry: how often and when to ask again.

    Raises:
        ValueError: if ``concurrency`` is below 1, there is nothing to be offline with, a budget in
            USD has no price, or a model without a name of its own is to be cached.

    Attributes:
        cache_hits: answers that came from the cache.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        cache: Cache | None = None,
        offline: bool = False,
        budget: Budget | None = None,
        ledger: Ledger | None = None,
        price: Price | None = None,
        concurrency: int = 16,
        limiter: RateLimiter | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"expected a concurrency of 1 or more, got {concurrency}")
        if offline and cache is None:
            raise ValueError("expected a cache to be offline with, got none")
        if cache is not None and not model.cacheable:
            raise ValueError(
                f"expected a model with a name of its own to cache answers of, got {model.name!r}, "
                "which others have as well: give it one with name=..."
            )
        if cache is None:
            model.check()  # with a cache, it may never be asked
        self.name = model.name
        self.concurrent = model.concurrent
        self.tells_cost = model.tells_cost or price is not None
        self.tells_scores = model.tells_scores
        self.ledger = Ledger() if ledger is None else ledger
        self.cache_hits = 0
        self._model = model
        self._cache = cache
        self._offline = offline
        self._budget = Budget() if budget is None else budget
        self._price = price
        if self._budget.max_usd is not None and price is None and not model.tells_cost:
            raise ValueError(
                f"expected a price of {model.name}, without which max_usd cannot be kept, got none"
            )
        self._in_flight = threading.BoundedSemaphore(concurrency)
        self._concurrency = concurrency
        self._limiter = RateLimiter() if limiter is None else limiter
        self._retry = RetryPolicy() if retry is None else retry
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._calls = self._waiting_long = 0
        self._lock = threading.Lock()

    def apart(self) -> Gateway:
        """Another gateway to the same model, with the same cache and limits, that fails alone.

        A request that fails for good ends the waiting of those beside it; where two parts of a
        program ask, each has a gateway of its own.
        """
        found = Gateway(
            self._model,
            cache=self._cache,
            offline=self._offline,
            budget=self._budget,
            ledger=self.ledger,
            price=self._price,
            concurrency=self._concurrency,
            limiter=self._limiter,
            retry=self._retry,
        )
        found._in_flight = self._in_flight
        return found

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        """Answer n prompts, those that are new in one batch or as many requests as may run at once.

        Raises:
            NotCached: if an answer is not there and the model must not be asked.
            BudgetExhausted: if a limit was reached.
            ModelError: if the model gives no answer, however often it is asked.
        """
        with self._busy():
            return self._generate(prompts, sampling, samples)

    def _generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None
    ) -> list[Completion]:
        if sampling.greedy or samples is None:
            samples = [0] * len(prompts)
        answers: list[Completion | None] = [None] * len(prompts)
        places: dict[str, list[int]] = {}
        for place, (messages, sample) in enumerate(zip(prompts, samples, strict=True)):
            found = self._cached(messages, sampling, sample)
            if found is not None:
                answers[place] = found
            else:
                # A single request has no other to be the same as.
                key = _same(messages, sample) if len(prompts) > 1 else ""
                places.setdefault(key, []).append(place)
        first = [same[0] for same in places.values()]
        fresh = self._ask_all([prompts[p] for p in first], sampling, [samples[p] for p in first])
        for same, answer in zip(places.values(), fresh, strict=True):
            for place in same:
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    def score(
        self, prompts: Sequence[Messages | str], continuations: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Log-probabilities of texts that could follow, those that are new in one batch.

        Raises:
            NotCached, BudgetExhausted: as :meth:`generate`.
            Unsupported: if the model does not tell them.
        """
        asked = list(zip(prompts, map(list, continuations), strict=True))
        known = [self._cached_scores(prompt, texts) for prompt, texts in asked]
        missing = [place for place, scores in enumerate(known) if scores is None]
        if missing:
            self._refuse_offline(len(missing))
            self._budget.check(self.ledger)
            fresh = self._model.score(
                [asked[place][0] for place in missing], [asked[place][1] for place in missing]
            )
            for place, scores in zip(missing, fresh, strict=True):
                prompt, texts = asked[place]
                known[place] = scores
                read = sum(map(self._model.count_tokens, [prompt, *texts]))
                self._book(Completion("", usage=Usage(input_tokens=read)))
                if self._cache is not None:
                    self._cache.put_scores(self.name, prompt, texts, scores)
        return [scores for scores in known if scores is not None]

    def count_tokens(self, prompt: Messages | str) -> int:
        """How many tokens a prompt has; 0 if the model does not tell."""
        return self._model.count_tokens(prompt)

    def close(self) -> None:
        """Close the model, the cache and the ledger."""
        self._model.close()
        self.ledger.close()
        if self._cache is not None:
            self._cache.close()

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """A call is under way: the first one after an error begins anew."""
        with self._lock:
            if not self._calls:
                self._stopped.clear()
                self._failure = None
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1

    def _cached(self, messages: Messages, sampling: Sampling, sample: int) -> Completion | None:
        if self._cache is None:
            return None
        found = self._cache.get(self.name, messages, sampling, sample)
        self._count_hit(found is not None)
        return found

    def _cached_scores(self, prompt: Messages | str, texts: list[str]) -> list[float] | None:
        if self._cache is None:
            return None
        found = self._cache.get_scores(self.name, prompt, texts)
        self._count_hit(found is not None)
        return found

    def _count_hit(self, hit: bool) -> None:
        with self._lock:
            self.cache_hits += hit

    def _refuse_offline(self, missing: int) -> None:
        if self._offline:
            path = "the cache" if self._cache is None else self._cache.path
            raise NotCached(
                f"{missing} answers of {self.name} are not in {path}, and offline nothing is sent; "
                "leave --offline out, or use the cache of a run with the same settings"
            )

    def _ask_all(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int]
    ) -> list[Completion]:
        if not prompts:
            return []
        self._refuse_offline(len(prompts))
        if not self.concurrent:
            self._budget.check(self.ledger)
            answers = self._model.generate(prompts, sampling, samples)
            return [
                self._keep(messages, sampling, sample, self._book(answer))
                for messages, sample, answer in zip(prompts, samples, answers, strict=True)
            ]

        def ask(messages: Messages, sample: int) -> Completion:
            return self._ask(messages, sampling, sample)

        if len(prompts) == 1:
            return [ask(prompts[0], samples[0])]
        with ThreadPoolExecutor(min(self._concurrency, len(prompts))) as pool:
            try:
                return list(pool.map(ask, prompts, samples))
            except BaseException as error:  # Ctrl-C comes here, not to those who ask
                self.stop(error)
                raise

    def _ask(self, messages: Messages, sampling: Sampling, sample: int) -> Completion:
        """Send one request until it is answered; an error ends the waiting of all the others."""
        try:
            return self._keep(
                messages, sampling, sample, self._ask_patiently(messages, sampling, sample)
            )
        except BaseException as error:
            self.stop(error)
            raise

    def _ask_patiently(self, messages: Messages, sampling: Sampling, sample: int) -> Completion:
        faults: Counter[bool] = Counter()  # so far: empty answers (True), and all the others
        while True:
            answer, fault = self._send(messages, sampling, sample)
            if answer is not None and fault is None:
                return answer
            assert fault is not None
            attempt = faults[answer is not None]
            faults[answer is not None] += 1
            if self._retry.gives_up(fault, attempt):
                if answer is not None:
                    return answer
                raise ModelError(
                    f"{self.name}: no answer in {faults.total()} tries, the last fault: {fault}; "
                    "the same command goes on where it stopped"
                )
            if faults[False] == _TOLD_AFTER and answer is None:
                self._tell(fault)
            wait = self._retry.wait(fault, attempt)
            self._pause(min(wait, self._budget.seconds_left(self.ledger)))

    def _tell(self, fault: Fault) -> None:
        """Say that a server is away, or busy, for long: else nothing shows why nothing goes on."""
        with self._lock:
            self._waiting_long += 1
            count = self._waiting_long
        if str(count).strip("0") == "1":  # 1, 10, 100, ...
            logger.warning(
                "%s: a request failed %d times and is sent again, %d times at most (%d such "
                "requests so far): %s",
                self.name,
                _TOLD_AFTER,
                self._retry.retries - _TOLD_AFTER + 1,
                count,
                fault,
            )

    def _send(
        self, messages: Messages, sampling: Sampling, sample: int
    ) -> tuple[Completion | None, Fault | None]:
        """Send a request once and book what comes: an answer, a fault, or an empty answer."""
        # Inside the limit of requests in flight, so that none is sent later than at its place of
        # the limiter, nor after a budget that others have spent in the meantime.
        with self._in_flight:
            self._pause(self._limiter.reserve())
            self._budget.check(self.ledger)
            try:
                (answer,) = self._model.generate([messages], sampling, [sample])
            except Fault as fault:
                self.ledger.failed(fault.kind)
                return None, fault
            answer = self._book(answer)
        return answer, Fault("empty", "an empty answer") if answer.status == "empty" else None

    def _pause(self, seconds: float) -> None:
        # Without a wait there is nothing to do but to look: waiting for 0 s costs a switch.
        if self._stopped.is_set() or (seconds > 0 and self._stopped.wait(seconds)):
            why = self._failure
            if isinstance(why, BudgetExhausted | ModelError):
                raise type(why)(str(why)) from why
            raise ModelError(f"{self.name}: stopped, since another request failed: {why!r}")

    def stop(self, why: BaseException) -> None:
        """End the waiting of all requests, for the first reason that there is."""
        with self._lock:
            if self._failure is None:
                self._failure = why
            self._stopped.set()

    def _book(self, answer: Completion) -> Completion:
        """Book an answer, which says afterwards what it cost."""
        if self._price is not None:
            usd = self._price.usd(answer.usage) if answer.usage.counted else None
            answer = replace(answer, usd=usd)
        self._limiter.spend(answer.usage.total)
        if answer.status == "empty":
            self.ledger.failed("empty", answer.usage, answer.usd)
        else:
            self.ledger.answered(answer.usage, answer.usd)
        return answer

    def _keep(
        self, messages: Messages, sampling: Sampling, sample: int, answer: Completion
    ) -> Completion:
        """Cache an answer."""
        if self._cache is not None:
            answer = self._cache.put(self.name, messages, sampling, sample, answer)
        self._refuse_uncounted(answer)
        return answer

    def _refuse_uncounted(self, answer: Completion) -> None:
        """A budget cannot be kept of what nobody counts."""
        budget = self._budget
        if not answer.usage.counted and (budget.max_tokens or (budget.max_usd and self._price)):
            raise ModelError(
                f"{self.name} does not tell how many tokens its answers take: expected usage in "
                "its answers, without which max_tokens and max_usd cannot be kept, got none"
            )
        if budget.max_usd is not None and answer.usd is None:
            raise ModelError(
                f"{self.name} does not tell what its answers cost: expected a price of it, without "
                "which max_usd cannot be kept, got none"
            )


def _same(messages: Messages, sample: int) -> str:
    """What prompts of a batch have in common that are to be asked once."""
    return json.dumps([sample, *map(dict, messages)], sort_keys=True)
