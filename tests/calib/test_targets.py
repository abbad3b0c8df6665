from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from calib.cv import cv2
from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.kannala_brandt import KannalaBrandt
from calib.targets.board import Board, BoardKind, parse_board
from calib.targets.complete import missing_neighbours, predict, saddles
from calib.targets.detect import detect
from calib.targets.printing import board_pdf, board_svg, layout
from tests.calib.rendering import paint, render

CHESS = parse_board("9x6:25mm")
CHARUCO = parse_board("charuco:8x6:30mm:24mm")
APRIL = parse_board("aprilgrid:5x4:60mm:20mm")
CIRCLES = parse_board("circles:4x11:20mm")
SMALL_LENS = KannalaBrandt([230.0, 230.0, 399.5, 299.5, -0.02, 0.005, -0.003, 0.0005])
LARGE_LENS = KannalaBrandt([330.0, 330.0, 399.5, 299.5, -0.02, 0.005, -0.003, 0.0005])


def test_texts_of_boards() -> None:
    assert Board(BoardKind.CHESSBOARD, 9, 6, 0.025) == CHESS
    assert parse_board(" CHARUCO:8x6:3cm:24mm ") == CHARUCO
    assert parse_board("aprilgrid:5x4:0.06m:20mm") == APRIL
    assert parse_board("10x7:1in").pitch == 0.0254


@given(
    st.sampled_from(["chessboard", "charuco", "aprilgrid", "circles"]),
    st.integers(3, 64),
    st.integers(3, 64),
    st.integers(2, 500),
)
def test_a_board_is_its_own_text(kind: str, columns: int, rows: int, pitch: int) -> None:
    second = f":{pitch / 2:g}mm" if kind in ("charuco", "aprilgrid") else ""
    board = parse_board(f"{kind}:{columns}x{rows}:{pitch}mm{second}")
    again = parse_board(str(board))
    assert (again.kind, again.columns, again.rows) == (board.kind, columns, rows)
    assert again.pitch == pytest.approx(board.pitch)
    assert again.second == pytest.approx(board.second)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9x6",
        "9x6:25",
        "9x6:25km",
        "9x6:25mm:36h11",
        "aprilgrid:6x6:88mm:26mm:12h3",
        "9x:25mm",
        "x6:25mm",
        "9x6:25mm:3mm",
        "charuco:8x6:30mm",
        "charuco:8x6:30mm:30mm",
        "aprilgrid:6x6:20mm:30mm",
        "1x6:25mm",
        "2x6:25mm",
        "9x65:25mm",
        "9x6:0mm",
        "9x6:10m",
        "dots:4x4:20mm",
        "9x6:-5mm",
        "9x6:1e3mm",
        "999999x6:2mm",
        ":::",
    ],
)
def test_texts_that_are_no_board(text: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        parse_board(text)
    assert "\n" not in str(caught.value)


def test_points_are_where_opencv_has_them() -> None:
    oracle = cv2.aruco.CharucoBoard((8, 6), 0.03, 0.024, CHARUCO.dictionary).getChessboardCorners()
    # Its origin is the outer corner of the first square, ours the first inner corner.
    np.testing.assert_allclose(CHARUCO.points[:, :2], np.asarray(oracle)[:, :2] - 0.03, atol=1e-8)
    assert CHESS.points[10].tolist() == [0.025, 0.025, 0.0]
    np.testing.assert_allclose(CIRCLES.points[:5, :2], [(0, 0), (0.04, 0), (0.08, 0), (0.12, 0), (0.02, 0.02)])


def test_tags_run_from_the_bottom_left() -> None:
    corners = APRIL.points.reshape(-1, 4, 3)
    np.testing.assert_allclose(corners[0, :, :2], [(0, 0), (0.06, 0), (0.06, 0.06), (0, 0.06)])
    np.testing.assert_allclose(corners[1, 0, :2], (0.08, 0.0))
    np.testing.assert_allclose(corners[5, 0, :2], (0.0, -0.08), atol=1e-12)


def test_more_tags_than_the_family_has_are_refused() -> None:
    with pytest.raises(CalibrationError, match="587"):
        detect(parse_board("aprilgrid:30x30:10mm:3mm"), np.zeros((50, 50), np.uint8))


POSES = [((0.1, 0.2, 0.05), (-0.1, -0.08, 0.2)), ((0.3, -0.5, 0.1), (-0.15, -0.05, 0.22))]


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize(("board", "most"), [(CHESS, 0.1), (CHARUCO, 0.15), (CIRCLES, 0.2)], ids=str)
def test_points_are_found_to_a_fraction_of_a_pixel(
    board: Board, most: float, pose: tuple[tuple[float, ...], tuple[float, ...]]
) -> None:
    picture, truth = render(board, SMALL_LENS, (800, 600), *map(np.array, pose))
    found = detect(board, picture)
    assert found is not None
    assert len(found.ids) >= 0.9 * len(board.points)
    assert np.sqrt(((found.pixels - truth[found.ids]) ** 2).sum(1).mean()) < most


def test_a_large_picture_of_a_chessboard_is_refined_in_full_size() -> None:
    picture, truth = render(CHESS, SMALL_LENS, (800, 600), *map(np.array, POSES[0]))
    large = cv2.resize(picture, None, fx=3.0, fy=3.0, interpolation=cv2.INTER_CUBIC)
    found = detect(CHESS, np.asarray(large, np.uint8))
    assert found is not None
    assert np.sqrt((((found.pixels + 0.5) / 3.0 - 0.5 - truth) ** 2).sum(1).mean()) < 0.1


def test_a_quick_look_finds_plain_chessboards() -> None:
    picture, _ = render(CHESS, SMALL_LENS, (800, 600), *map(np.array, POSES[0]))
    quick, slow = detect(CHESS, picture, quick=True), detect(CHESS, picture)
    assert quick is not None
    assert slow is not None
    np.testing.assert_allclose(quick.pixels, slow.pixels, atol=1e-3)
    assert detect(CHESS, np.zeros((300, 300), np.uint8), quick=True) is None


def april_picture() -> tuple[NDArray[np.uint8], Array]:
    return render(APRIL, LARGE_LENS, (800, 600), np.array([0.3, -0.5, 0.1]), np.array([-0.17, 0.13, 0.24]))


def test_an_aprilgrids_points_are_found_beyond_its_decoded_tags() -> None:
    picture, truth = april_picture()
    found = detect(APRIL, cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    assert found is not None
    inside = ((truth > 5.0) & (truth < [794.0, 594.0])).all(-1)
    assert len(found.ids) > 0.85 * inside.sum()
    assert len(set(found.ids.tolist())) == len(found.ids)
    assert np.linalg.norm(found.pixels - truth[found.ids], axis=1).max() < 0.3


def test_no_points_are_invented_where_an_aprilgrid_is_hidden() -> None:
    picture, truth = april_picture()
    rng = np.random.default_rng(0)
    edge = int(np.median(truth[:, 0]))
    picture[:, edge:] = rng.integers(0, 256, picture[:, edge:].shape, np.uint8)
    found = detect(APRIL, picture)
    assert found is not None
    assert found.pixels[:, 0].max() < edge + 2.0
    assert np.linalg.norm(found.pixels - truth[found.ids], axis=1).max() < 1.0


def test_a_saddle_is_told_from_an_edge_a_plain_corner_and_nothing() -> None:
    checks = np.zeros((100, 100), np.uint8)
    checks[:50, :50] = checks[50:, 50:] = 200
    edge, corner, plain = np.zeros((3, 100, 100), np.uint8)
    edge[:50], corner[:50, :50] = 200, 200
    at, radius = np.array([[49.5, 49.5]]), np.array([8.0])
    assert saddles(checks, at, radius).tolist() == [True]
    for other in (edge, corner, plain):
        assert saddles(other, at, radius).tolist() == [False]
    assert saddles(checks, np.array([[70.0, 70.0]]), radius).tolist() == [False]


def test_a_prediction_is_the_homographys() -> None:
    plane = np.array([[900.0, 40.0, 100.0], [-30.0, 800.0, 80.0], [0.3, 0.2, 1.0]])
    homogeneous = np.concatenate([CHARUCO.points[:, :2], np.ones((len(CHARUCO.points), 1))], -1) @ plane.T
    pixels = homogeneous[:, :2] / homogeneous[:, 2:]
    ids = np.array([0, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16])
    np.testing.assert_allclose(predict(CHARUCO, ids, pixels[ids], np.array([4, 17])), pixels[[4, 17]], atol=1e-6)
    assert np.isnan(predict(CHARUCO, ids[:4], pixels[ids[:4]], np.array([4]))).all()
    assert {4, 11, 17, 21} <= set(missing_neighbours(CHARUCO, ids).tolist())
    assert 6 not in missing_neighbours(CHARUCO, ids)


def test_a_hidden_charuco_board_gives_what_is_seen() -> None:
    picture, truth = render(CHARUCO, SMALL_LENS, (800, 600), *map(np.array, POSES[0]))
    edge = int(np.median(truth[:, 0]))
    picture[:, edge:] = 90
    found = detect(CHARUCO, picture)
    assert found is not None
    assert 8 <= len(found.ids) < len(CHARUCO.points)
    assert np.linalg.norm(found.pixels - truth[found.ids], axis=1).max() < 1.0


@pytest.mark.parametrize("board", [CHESS, CHARUCO, APRIL, CIRCLES], ids=str)
def test_pictures_without_the_board(board: Board) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400), np.uint8)
    assert detect(board, noise) is None
    assert detect(board, np.zeros((300, 400, 3), np.uint8)) is None


@pytest.mark.parametrize("board", [CHESS, CHARUCO, CIRCLES], ids=str)
def test_the_print_itself_is_detected_at_true_scale(board: Board) -> None:
    paper, origin = paint(board)
    cv2.putText(paper, str(board), (20, len(paper) - 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 2, cv2.LINE_AA)
    found = detect(board, paper)
    assert found is not None
    assert len(found.ids) == len(board.points)
    millimetres = (found.pixels + 0.5) / 5.0 - origin
    # A chessboard may be found from its other end.
    flipped = millimetres[::-1] if millimetres[0, 0] > millimetres[-1, 0] else millimetres
    np.testing.assert_allclose(flipped, 1e3 * board.points[found.ids, :2], atol=0.1)


@pytest.mark.parametrize("family", ["36h10", "25h9", "16h5"])
def test_tags_of_other_families_are_found(family: str) -> None:
    board = parse_board(f"aprilgrid:3x2:30mm:9mm:{family}")
    assert parse_board(str(board)) == board
    paper, origin = paint(board)
    found = detect(board, paper)
    assert found is not None
    assert len(found.ids) == len(board.points)
    np.testing.assert_allclose((found.pixels + 0.5) / 5.0 - origin, 1e3 * board.points[found.ids, :2], atol=0.1)
    other = detect(APRIL, paper)
    assert other is None or len(other.ids) < 8


@pytest.mark.parametrize("board", [CHESS, CHARUCO, APRIL, CIRCLES], ids=str)
def test_pages_are_at_true_scale(board: Board) -> None:
    page = layout(board)
    svg = ET.fromstring(board_svg(board))
    assert svg.get("width") == f"{page.width:.4f}mm"
    assert svg.get("viewBox") == f"0 0 {page.width:.4f} {page.height:.4f}"
    shapes = [child for child in svg if child.tag.endswith(("rect", "circle"))]
    assert len(shapes) == 1 + len(page.rectangles) + len(page.circles)
    pdf = board_pdf(board)
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert box is not None
    assert float(box[1]) == pytest.approx(page.width / 25.4 * 72.0, abs=1e-3)
    assert pdf.count(b" re\n") == len(page.rectangles)
    table = int(re.findall(rb"startxref\n(\d+)", pdf)[0])
    assert pdf[table:].startswith(b"xref")
    for number, offset in enumerate(re.findall(rb"(\d{10}) 00000 n", pdf), 1):
        assert pdf[int(offset) :].startswith(f"{number} 0 obj".encode())
    stream = re.search(rb"/Length (\d+) >>\nstream\n", pdf)
    assert stream is not None
    assert pdf[stream.end() + int(stream[1]) :].startswith(b"\nendstream")


def test_a_chessboards_squares() -> None:
    page = layout(CHESS)
    assert len(page.rectangles) == 35
    assert page.width == pytest.approx(10 * 25 + 2 * 25)
    assert page.height == pytest.approx(7 * 25 + 2 * 25)
    assert (page.rectangles[:, 2:] == 25.0).all()
