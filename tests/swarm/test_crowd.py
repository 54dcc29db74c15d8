"""The schedule in thousands of random swarms, simulated.

What holds in every state is asserted at each question to the scheduler: see `check_asked` in
simulation.py. The bounds below are the worst of one to three thousand swarms each, with a margin.
"""

from __future__ import annotations

import dataclasses
import statistics

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.swarm.crowds import any_swarms, flash_crowds, viewers_alone, with_last
from tests.swarm.simulated_players import LENGTH, NEVER, STEP, Plan, Watch
from tests.swarm.simulation import Crowd

from p2ptube.swarm.reader import START_SECONDS
from p2ptube.swarm.schedule import WINDOW_SECONDS

# The same swarms in every run: that one in ten thousand is worse says nothing about a change.
SIMULATED = settings(deadline=None, derandomize=True, database=None)
LONG = 1000.0  # seconds


def seconds_needed(plan: Plan) -> float:
    """How long it takes if everybody gets all from the origins, and the slowest line at last."""
    origins = sum(member.up for member in plan.members if member.origin)
    crowd = [member for member in plan.members if not member.origin]
    return plan.pieces * len(crowd) / origins + plan.pieces / min(m.down for m in crowd)


def calm_from(plan: Plan) -> float:
    """From when on nobody comes or goes."""
    times = [time for m in plan.members for time in (m.comes, m.leaves, m.away[1])]
    return max(time for time in times if time < NEVER)


@settings(SIMULATED, max_examples=700)
@given(any_swarms())
def test_whatever_happens_who_stays_gets_everything(plan: Plan) -> None:
    crowd = Crowd(plan).run(LONG)

    staying = [node for node in crowd.viewers if node.member.leaves == NEVER]
    assert all(node.is_whole for node in staying)
    assert all(node.done_at <= calm_from(plan) + 2 * seconds_needed(plan) + 5 for node in staying)
    assert all(len(node.came) == len(set(node.came)) for node in crowd.viewers)
    # Alone as in a crowd, nobody lets the origins send much twice.
    assert crowd.copies <= 1.25 * len(crowd.viewers) + 0.1


def test_crowds_spare_the_origin_and_hardly_stall() -> None:
    crowds: list[Crowd] = []

    @settings(SIMULATED, max_examples=600)
    @given(flash_crowds())
    def simulate(plan: Plan) -> None:
        crowd = Crowd(plan).run(LONG)
        # The last pieces are sent more often, when those help whose lanes are complete.
        assert 1 <= crowd.copies <= 1.8 + 4 * len(crowd.viewers) / plan.pieces
        assert all(node.stalled <= 3.0 for node in crowd.viewers)
        assert last_start(crowd, len(crowd.viewers)) <= 6.0
        crowds.append(crowd)

    simulate()

    stalling = [crowd for crowd in crowds if any(node.stalled for node in crowd.viewers)]
    assert len(stalling) <= 0.02 * len(crowds)
    assert statistics.median(crowd.copies for crowd in crowds) <= 1.7
    assert statistics.median(last_start(crowd, len(crowd.viewers)) for crowd in crowds) <= 3.0


@settings(SIMULATED, max_examples=80)
@given(flash_crowds())
def test_a_paused_player_costs_the_others_nothing(plan: Plan) -> None:
    paused = Crowd(with_last(plan, Watch(pauses=((1.0, NEVER),), ahead=8.0))).run(LONG)
    playing = Crowd(plan).run(LONG)
    absent = Crowd(dataclasses.replace(plan, members=plan.members[:-1])).run(LONG)

    others = len(plan.members) - 2
    assert slowest(paused, others) <= 1.1 * slowest(playing, others) + STEP
    assert slowest(paused, others) <= 1.35 * slowest(absent, others) + STEP  # it fetches, too
    assert last_start(paused, others) <= last_start(playing, others) + STEP
    assert last_start(paused, others) <= last_start(absent, others) + 1.5
    assert all(node.stalled <= 3.0 for node in paused.viewers[:others])
    assert paused.copies <= playing.copies + 0.2


def slowest(crowd: Crowd, count: int) -> float:
    """When the last of the first so many viewers had everything."""
    return max(node.done_at for node in crowd.viewers[:count])


def last_start(crowd: Crowd, count: int) -> float:
    """How long the last of them waited for its picture."""
    players = [player for node in crowd.viewers[:count] for player in node.players]
    return max((start for player in players for start in player.starts), default=0.0)


PLACES = st.integers(0, 29)
SEEKS = st.builds(
    lambda first, at, to: Watch(piece=first, seeks=((at / 10, to),)),
    PLACES, st.integers(0, 60), PLACES,
)  # fmt: skip


@settings(SIMULATED, max_examples=300)
@given(viewers_alone(SEEKS, least=2.0))
def test_after_a_seek_nothing_stale_is_asked_for(plan: Plan) -> None:
    crowd = Crowd(plan)
    (viewer,) = crowd.viewers
    (player,) = viewer.players
    under_way: list[int] = []
    while player.seeks and not viewer.is_whole:
        under_way = [piece for link in viewer.links.values() for piece in link.queue[:1]]
        crowd.step()
    wanted = window(player.read, plan)
    if not viewer.is_whole and not viewer.have.issuperset(wanted):
        queued = [piece for link in viewer.links.values() for piece in link.queue]
        assert not {*queued} - {*under_way} - {*wanted}
    crowd.run(LONG)

    assert crowd.copies < 1.01
    assert all(start <= START_SECONDS for start in player.starts)


def window(piece: int, plan: Plan) -> range:
    """The pieces of a playhead's window."""
    ahead = max(WINDOW_SECONDS * plan.bit_rate, 4 * 128 * 1024 / LENGTH)
    return range(piece, min(plan.pieces, piece + int(ahead) + 1))


STARTS = st.builds(Watch, piece=PLACES, ahead=st.sampled_from([8.0, 20.0, NEVER]))


@settings(SIMULATED, max_examples=300)
@given(viewers_alone(STARTS))
def test_alone_with_one_holder_pieces_come_in_the_order_of_play(plan: Plan) -> None:
    crowd = Crowd(plan).run(LONG)
    (viewer,) = crowd.viewers
    watch = plan.members[1].watches[0]
    played = [piece for piece in viewer.came if piece >= watch.piece]

    assert crowd.copies < 1.01  # nothing twice
    assert not viewer.stalled
    assert played[0] == watch.piece
    if watch.ahead == NEVER:
        assert played == sorted(played)
    # Of a player that takes no more for now, what it plays later comes in any order.
    for number, piece in enumerate(played):
        sooner = [other for other in played[number + 1 :] if other < piece]
        assert all(piece - other <= 7 * plan.bit_rate + 2 for other in sooner)
