"""The hands of the exchange's clock: it may stand, run, and change its speed, but not go back."""

import msgspec

from domain import clock
from domain.clock import Anchor, AnchoredClock
from domain.units import Micros


class Hands:
    """Moves the anchor that the exchange serves. Real time comes through `domain.clock` only."""

    def __init__(self, start_at: Micros, speed: int, *, paused: bool) -> None:
        anchor = Anchor(r0=clock.wall(), v0=start_at, speed=speed, paused=paused)
        self.clock = AnchoredClock(anchor)
        self._seen = clock.steady()
        self.is_led = False
        """Whether somebody else's clock is followed: then nobody moves it here."""

    @property
    def anchor(self) -> Anchor:
        """Where the clock stands or how it runs; replaced whenever that changes."""
        return self.clock.anchor

    def now(self) -> Micros:
        """Return the market instant."""
        return self.clock.now()

    def pause(self) -> None:
        """Stop the clock where it is."""
        self._replace(paused=True)

    def run(self) -> None:
        """Let the clock go on from where it stands."""
        if self.anchor.paused:
            self._replace(paused=False)

    def set_speed(self, speed: int) -> None:
        """Go on from here at another speed; a standing clock keeps standing."""
        self._replace(speed=speed)

    def adopt(self, anchor: Anchor) -> None:
        """Follow somebody else's clock from here on.

        One that is behind ours makes ours stand; adopt it again until it has caught up.
        """
        now = self.now() if self.is_led else anchor.at(clock.wall())
        self.is_led = True
        if anchor.at(clock.wall()) < now:
            anchor = msgspec.structs.replace(anchor, v0=now, paused=True)
        self.clock.anchor = anchor

    def stop_at(self, instant: Micros) -> None:
        """Stop the clock at exactly an instant it has just passed."""
        self.clock.anchor = msgspec.structs.replace(self.anchor, v0=instant, paused=True)

    def stood(self) -> Micros:
        """Return for how long the clock has stood since the last call, in this machine's time."""
        before, self._seen = self._seen, clock.steady()
        return Micros(self._seen - before if self.anchor.paused else 0)

    def _replace(self, **changes: object) -> None:
        here = {"r0": clock.wall(), "v0": self.now()}
        self.clock.anchor = msgspec.structs.replace(self.anchor, **{**here, **changes})
