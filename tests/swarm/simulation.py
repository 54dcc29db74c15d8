"""A swarm simulated piece by piece, to see what follows from the schedule: no network, no clock.

Time goes in steps of `STEP` seconds. Amounts are in pieces and rates in pieces per second. Each
member sends to all who ask it, equally and in the order in which they asked. What is asked for is
chosen as libtorrent 2.1 does (piece_picker.hpp, torrent::request_time_critical_pieces).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.swarm.simulated_players import LENGTH, NEVER, STEP, Plan, Player

from p2ptube.swarm.lanes import Lane, Swarm, shared
from p2ptube.swarm.pace import Pace
from p2ptube.swarm.schedule import NEXT, USUAL, WINDOW_SECONDS, Playhead, deadlines, priorities
from p2ptube.swarm.scheduling import FEW_SEEDS, FEWEST_LEECHERS, RATE_SECONDS

REQUESTED_SECONDS = 1.0  # how much is asked of a peer in advance: request_queue_time
MOST_WAIT = 2.0  # seconds: whose answers take longer is not asked for what is urgent
LITTLE = 1e-9  # amounts are equal up to that


@dataclass
class Asked:
    """What a viewer asks for just now."""

    priorities: dict[int, int] = field(default_factory=dict)
    deadlines: dict[int, int] = field(default_factory=dict)


@dataclass
class Link:
    """What one asks another: pieces in order, and how much of the first one has come."""

    queue: list[int] = field(default_factory=list)
    come: float = 0.0
    rate: float = 0.0
    moved: float = 0.0

    def drop(self, *, all_of_it: bool = False) -> list[int]:
        """Cancel what is not under way yet, and return it."""
        kept = 1 if self.come and not all_of_it else 0
        dropped, self.queue = self.queue[kept:], self.queue[:kept]
        self.come = self.come if kept else 0.0
        return dropped

    def waits(self, more: int = 0) -> float:
        """In how many seconds all that was asked is here, and so many pieces more."""
        return (len(self.queue) + more - self.come) / max(self.rate, 0.1)


def schedule(
    plan: Plan, heads: list[Playhead], have: set[int], held: list[int], lane: Lane | None,
    lane_rate: float, now: float,
) -> Asked:  # fmt: skip
    """Ask the scheduler: the only place that knows how."""
    pace = Pace(plan.bit_rate * LENGTH)
    if lane is None:
        usual = dict.fromkeys((p for p in range(plan.pieces) if p not in have), USUAL)
        due = deadlines(heads, have, piece_length=LENGTH, pace=pace)
        order = priorities(heads, have, piece_length=LENGTH, pace=pace)
        asked = Asked(usual | order, due)
    else:
        swarm = Swarm((0, plan.pieces), LENGTH, pace, have, held, lane_rate)
        shares = shared(heads, swarm, lane, now)
        asked = Asked(shares.priorities, shares.deadlines)
    check_asked(plan, heads, have, asked)
    return asked


def check_asked(plan: Plan, heads: list[Playhead], have: set[int], asked: Asked) -> None:
    """Assert what holds in whatever state."""
    missing = {piece for piece in range(plan.pieces) if piece not in have}
    assert asked.priorities.keys() == missing
    assert all(USUAL <= priority <= NEXT for priority in asked.priorities.values())
    assert asked.deadlines.keys() <= missing
    assert all(due >= 0 for due in asked.deadlines.values())
    reach = WINDOW_SECONDS * plan.bit_rate + 1 + 128 * 1024 / LENGTH
    for piece in asked.deadlines:
        begins = [head.position // LENGTH for head in heads]
        assert any(begin <= piece <= begin + reach for begin in begins), (piece, begins)


class Node:
    """A member while the simulation runs; what it does about the schedule: see scheduling.py."""

    def __init__(self, number: int, plan: Plan) -> None:
        self.number, self.plan = number, plan
        self.member = plan.members[number]
        self.have = set(range(plan.pieces)) if self.member.origin else set[int]()
        self.players = [Player(plan, watch) for watch in self.member.watches]
        self.links: dict[int, Link] = {}  # by the number of the one who sends
        self.asked = Asked()
        self.times: dict[int, int] = {}  # of how many each piece is asked
        self.since: dict[int, float] = {}  # when it was asked for last
        self.piece_seconds = NEVER  # how long a piece takes from then on
        self.lane: Lane | None = None
        self.own: list[float] = []  # when pieces of our lane came
        self.open: list[bool] = []
        self.came: list[int] = []  # the pieces in the order in which they came
        self.sent = 0.0
        self.done_at = NEVER

    @property
    def is_whole(self) -> bool:
        """Whether it has everything."""
        return len(self.have) == self.plan.pieces

    @property
    def stalled(self) -> float:
        """How many seconds its players have stood still, all together."""
        return sum(player.stalled for player in self.players)

    def look(self, held: list[int], lane: Lane | None, now: float) -> None:
        """Move the playheads and ask for what follows."""
        jumped = False
        for player in self.players:
            if player.is_open(now) or player.seeks:
                jumped |= player.seek(now)
            if player.is_open(now):
                player.take(self.have, held, now, crowd=self.lane is not None)
            player.show(now)
        if self.is_whole:
            return
        reading = [player for player in self.players if player.is_open(now)]
        is_open = [player in reading for player in self.players]
        if jumped or is_open != self.open or lane != self.lane:
            self.asked = Asked()
            self.lane, self.open = lane, is_open
        while self.own and self.own[0] < now - RATE_SECONDS:
            self.own.pop(0)
        heads, rate = [player.head() for player in reading], len(self.own) / RATE_SECONDS
        fresh = schedule(self.plan, heads, self.have, held, lane, rate, now)
        due = {p: d for p, d in self.asked.deadlines.items() if p not in self.have}
        if fresh.deadlines and not due:
            self._cancel()
        self.asked = Asked(fresh.priorities, fresh.deadlines | due)
        for piece in self.asked.deadlines:
            self.asked.priorities[piece] = NEXT

    def _cancel(self) -> None:
        for link in self.links.values():
            self._release(link.drop())

    def _release(self, pieces: Iterable[int]) -> None:
        for piece in pieces:
            self.times[piece] -= 1

    def got(self, piece: int, now: float) -> None:
        """A piece is here: nobody else need send it."""
        self.have.add(piece)
        self.came.append(piece)
        took = now - self.since[piece]
        before = took if self.piece_seconds == NEVER else self.piece_seconds
        self.piece_seconds = before + 0.2 * (took - before)
        if self.lane is not None and self.lane.owns(piece):
            self.own.append(now)
        for link in self.links.values():
            if piece in link.queue:
                link.come = 0.0 if link.queue[0] == piece else link.come
                link.queue.remove(piece)
        if self.is_whole:
            self.done_at = now

    def lose(self, number: int) -> None:
        """Somebody has gone."""
        link = self.links.pop(number, None)
        if link is not None:
            self._release(link.drop(all_of_it=True))

    def request(self, others: list[Node], held: list[int], now: float, rng: random.Random) -> None:
        """Ask the others, as far as each of them is to be asked in advance."""
        for other in others:
            self.links.setdefault(other.number, Link())
        self._hurry(others, now)
        ranked = sorted(
            ((held[p] + 1) * (8 - priority), rng.random(), p)
            for p, priority in self.asked.priorities.items()
        )
        for other in others:
            link = self.links[other.number]
            most = 1 if self.asked.deadlines else 1 + int(link.rate * REQUESTED_SECONDS)
            for _, _, piece in ranked:
                if len(link.queue) >= most:
                    break
                if not self.times.get(piece) and piece in other.have:
                    self._ask(link, piece, now)
        if all(self.times.get(piece) for _, _, piece in ranked):  # the end game
            for other in others:
                link = self.links[other.number]
                if not link.queue:
                    busy = [p for _, _, p in ranked if p in other.have]
                    if busy:
                        self._ask(link, min(busy, key=self.times.__getitem__), now)

    def _hurry(self, others: list[Node], now: float) -> None:
        for piece in sorted(self.asked.deadlines, key=self.asked.deadlines.__getitem__):
            links = [self.links[other.number] for other in others if piece in other.have]
            asked = [link for link in links if piece in link.queue]
            if asked and now - self.since[piece] < self.piece_seconds:
                continue
            best = min(links, key=lambda link: link.waits(1), default=None)
            if best is not None and best not in asked and best.waits() <= MOST_WAIT:
                urgent = [p in self.asked.deadlines for p in best.queue]
                self._ask(best, piece, now, at=max(sum(urgent), bool(best.come)))

    def _ask(self, link: Link, piece: int, now: float, at: int | None = None) -> None:
        link.queue.insert(len(link.queue) if at is None else at, piece)
        self.since[piece] = now
        self.times[piece] = self.times.get(piece, 0) + 1


class Crowd:
    """The simulation."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.nodes = [Node(number, plan) for number in range(len(plan.members))]
        self.now = 0.0

    @property
    def viewers(self) -> list[Node]:
        """Everybody but the origins."""
        return [node for node in self.nodes if not node.member.origin]

    @property
    def copies(self) -> float:
        """How many copies the origins have sent."""
        sent = sum(node.sent for node in self.nodes if node.member.origin)
        return sent / self.plan.pieces

    def run(self, until: float) -> Crowd:
        """Go on until everybody who stays has everything, or until this time."""
        while self.now < until and not all(
            node.is_whole or self.now >= node.member.leaves for node in self.nodes
        ):
            self.step()
        return self

    def step(self) -> None:
        """Let `STEP` seconds pass."""
        present = [node for node in self.nodes if node.member.is_present(self.now)]
        numbers = {node.number for node in present}
        for node in self.nodes:
            for gone in [n for n in node.links if n not in numbers or node.number not in numbers]:
                node.lose(gone)
        leechers = [node for node in present if not node.is_whole]
        held = [0] * self.plan.pieces
        for node in leechers:
            for piece in node.have:
                held[piece] += 1
        shares = len(leechers) >= FEWEST_LEECHERS
        shares = shares and len(present) - len(leechers) <= FEW_SEEDS * len(leechers)
        for rank, node in enumerate(leechers):
            node.look(held, Lane(rank, len(leechers)) if shares else None, self.now)
            others = [other for other in present if other is not node and other.have]
            self.random.shuffle(others)
            node.request(others, held, self.now, self.random)
        for node in present:
            if node.is_whole and not node.member.origin:
                node.look(held, None, self.now)
        self._send(present, leechers)
        self.now += STEP

    def _send(self, present: list[Node], leechers: list[Node]) -> None:
        room = {node.number: node.member.down * STEP for node in leechers}
        for sender in self.random.sample(present, len(present)):
            left = sender.member.up * STEP
            asking = [node for node in leechers if sender.number in node.links]
            while left > LITTLE and (asking := list(self._still(asking, sender.number, room))):
                share = left / len(asking) + LITTLE
                for node in asking:
                    used = self._move(node, sender.number, min(share, room[node.number]))
                    room[node.number] -= used
                    sender.sent += used
                    left -= used
        for node in leechers:
            for link in node.links.values():
                link.rate += 0.2 * (link.moved / STEP - link.rate)
                link.moved = 0.0

    def _still(self, nodes: list[Node], sender: int, room: dict[int, float]) -> Iterator[Node]:
        """Those who wait for something of this sender and can take it."""
        for node in nodes:
            if node.links[sender].queue and room[node.number] > LITTLE:
                yield node

    def _move(self, node: Node, sender: int, amount: float) -> float:
        """Bring so much over a link; return how much there was to bring."""
        link, used = node.links[sender], 0.0
        while link.queue and used < amount:
            part = min(1.0 - link.come, amount - used)
            used += part
            link.come += part
            if link.come > 1.0 - LITTLE:
                node.got(link.queue[0], self.now + STEP)
        link.moved += used
        return used
