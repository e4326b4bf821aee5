"""supervisord, with a poller that does not spin.

When a program is removed, supervisor 4.3 may leave its descriptor registered. The number is then given to another
program's stdin, whose closed other end makes every poll return at once: POLLERR, which supervisor ignores. Measured:
60 % of a core for as long as it runs.
"""

import select

from supervisor import poller, supervisord


class _Poller(poller.PollPoller):  # type: ignore[misc] # supervisor has no types
    def _ignore_invalid(self, fd: int, eventmask: int) -> bool:
        only_an_error = eventmask & select.POLLERR and not eventmask & (self.READ | self.WRITE)
        # A descriptor that is still wanted is registered again before the next poll.
        return bool(super()._ignore_invalid(fd, select.POLLNVAL if only_an_error else eventmask))


if __name__ == "__main__":
    poller.Poller = _Poller
    supervisord.main()
