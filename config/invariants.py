"""The promises that can be proven on live data. Each app registers its proofs in `invariants.py`."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.utils.module_loading import autodiscover_modules

Proof = Callable[[], Iterable[str]]

_proofs: dict[str, Proof] = {}


@dataclass
class Findings:
    """What a run found for one tenant: faults by the name of the proof (none left out), and how long it took."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    milliseconds: int = 0

    @property
    def clean(self) -> bool:
        return not any(self.faults.values())


def invariant(name: str) -> Callable[[Proof], Proof]:
    """Register a proof: a function without arguments that yields one sentence for each fault of the current tenant."""

    def register(proof: Proof) -> Proof:
        if _proofs.setdefault(name, proof) is not proof:
            raise ValueError(f"two invariants are called {name}")
        return proof

    return register


def check_all(prefix: str = "") -> Findings:
    """Run every proof (whose name begins so) for the current tenant. A proof reads with plain queries; it changes nothing."""
    autodiscover_modules("invariants")
    started = time.monotonic()
    asked = {name: proof for name, proof in sorted(_proofs.items()) if name.startswith(prefix)}
    findings = Findings({name: list(proof()) for name, proof in asked.items()})
    findings.milliseconds = int((time.monotonic() - started) * 1000)
    return findings
