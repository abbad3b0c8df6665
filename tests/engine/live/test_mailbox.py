"""The hand-off between threads."""

from __future__ import annotations

import threading

from engine.live.mailbox import Mailbox


def test_the_newest_item_wins_and_the_others_are_counted() -> None:
    box: Mailbox[int] = Mailbox()
    for item in range(5):
        assert box.put(item)
    assert box.take() == 4
    assert box.overwritten == 4


def test_lossless_hands_over_every_item_in_order() -> None:
    box: Mailbox[int] = Mailbox(lossless=True)
    taken: list[int] = []

    def read() -> None:
        while (item := box.take()) is not None:
            taken.append(item)

    reader = threading.Thread(target=read)
    reader.start()
    for item in range(1, 500):
        assert box.put(item)
    box.close()
    reader.join()
    assert taken == list(range(1, 500))
    assert box.overwritten == 0


def test_an_item_left_before_closing_can_still_be_taken() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(7)
    box.close()
    assert box.take() == 7
    assert box.take() is None


def test_closing_with_discard_empties_it() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(7)
    box.close(discard=True)
    assert box.take() is None


def test_closing_wakes_a_waiting_reader_and_a_waiting_writer() -> None:
    empty: Mailbox[int] = Mailbox()
    full: Mailbox[int] = Mailbox(lossless=True)
    full.put(1)
    outcomes: list[object] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(empty.take())),
        threading.Thread(target=lambda: outcomes.append(full.put(2))),
    ]
    for thread in threads:
        thread.start()
    empty.close()
    full.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert set(outcomes) == {None, False}
