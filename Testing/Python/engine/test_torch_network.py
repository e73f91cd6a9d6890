"""The networks on torch, where a GPU would run them, give what ONNX Runtime gives: tested on torch's CPU, on real images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from planted import speckle, stack_of, write
from pydicom import examples
from pydicom.pixels import apply_color_lut

from PyLogikSlicerLib.core.errors import EngineUnavailable
from PyLogikSlicerLib.detection.devices import CPU, Device
from PyLogikSlicerLib.detection.examine import examine
from PyLogikSlicerLib.detection.glyphs import GlyphReader
from PyLogikSlicerLib.detection.network import identity, open_network
from PyLogikSlicerLib.detection.ppocr import PPOCRReader

pytestmark = pytest.mark.torch

TORCH = Device("cpu", "torch", "cpu, torch")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Torch's threads wait for each other by spinning: on a machine at work elsewhere, two are fifty times slower than one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def words() -> tuple[PPOCRReader, PPOCRReader]:
    return PPOCRReader(CPU), PPOCRReader(TORCH)


@pytest.fixture(scope="module")
def letters() -> tuple[GlyphReader, GlyphReader]:
    return GlyphReader(), GlyphReader(device=TORCH)


def real_images() -> dict[str, np.ndarray]:
    """Ultrasound screens, and parts of them of sizes that no stride divides."""
    lymph, palette = examples.rgb_color, examples.palette_color
    clearvue = (apply_color_lut(palette.pixel_array, palette) >> 8).astype(np.uint8)
    parts = {"lymph": lymph.pixel_array, "clearvue": clearvue, "odd": lymph.pixel_array[:101, :233], "wide": clearvue[:70, :517]}
    return {name: np.ascontiguousarray(image) for name, image in parts.items()} | {"pixel": clearvue[:1, :1].copy()}


IMAGES = real_images()
every_image = pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)


def assert_same(found, expected) -> None:
    """The same regions, to a hundredth of a pixel."""
    assert [detection.tentative for detection in found] == [detection.tentative for detection in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.polygon, other.polygon, atol=0.01)
        assert one.score == pytest.approx(other.score, abs=1e-4)


@every_image
def test_words_are_found_and_read_the_same(words, image):
    onnx, torch = words
    np.testing.assert_allclose(torch.probabilities([image]), onnx.probabilities([image]), rtol=0, atol=1e-4)
    (expected,) = onnx.detect([image])
    assert_same(torch.detect([image])[0], expected)
    boxes = [cv2.boundingRect(np.array(detection.polygon, np.float32)) for detection in expected]
    crops = [image[max(y, 0) : y + height, max(x, 0) : x + width] for x, y, width, height in boxes]
    read, known = torch.recognize(crops), onnx.recognize(crops)
    assert [text for text, _ in read] == [text for text, _ in known]
    np.testing.assert_allclose([confidence for _, confidence in read], [confidence for _, confidence in known], atol=1e-4)


@every_image
def test_letters_are_found_the_same(letters, image):
    onnx, torch = letters
    np.testing.assert_allclose(torch.ink(image), onnx.ink(image), rtol=0, atol=1e-4)
    assert_same(torch.detect([image])[0], onnx.detect([image])[0])


def test_images_that_share_a_batch_give_what_they_give_alone(words, letters):
    lymph = IMAGES["lymph"]
    images = [lymph, IMAGES["odd"], lymph[::-1].copy(), IMAGES["odd"][:, ::-1].copy(), np.zeros_like(lymph)]
    for reader in (words[1], letters[1]):
        for together, image in zip(reader.detect(images), images, strict=True):
            assert_same(together, reader.detect([image])[0])


def test_a_large_image_goes_tile_by_tile_beside_another(letters):
    image = np.zeros((1100, 80, 3), np.uint8)
    write(image, "DOE 1962", 4, 1020)
    together = letters[1].detect([image, image[::-1].copy()])
    for found, expected in zip(together, letters[0].detect([image, image[::-1].copy()]), strict=True):
        assert_same(found, expected)


def test_a_cine_shows_the_same_regions_on_both(words, letters):
    plain = [speckle(160, 240, seed) for seed in range(3)]
    stack = stack_of([write(frame, "DOE JANE", 10, 12) if number else frame for number, frame in enumerate(plain)])
    onnx, torch = (examine(stack, readers).text_map for readers in zip(words, letters, strict=True))
    assert onnx.regions and torch.coverage == onnx.coverage
    assert [region.text for region in torch.regions] == [region.text for region in onnx.regions]
    for one, other in zip(torch.regions, onnx.regions, strict=True):
        np.testing.assert_allclose(one.polygon, other.polygon, atol=0.01)


def test_half_precision_stays_near_and_finds_the_same_words(words):
    image, half = IMAGES["odd"], PPOCRReader(TORCH, half=True)
    assert np.abs(half.probabilities([image]) - words[0].probabilities([image])).max() < 0.05
    found, expected = half.detect([image])[0], words[0].detect([image])[0]
    np.testing.assert_allclose([one.polygon for one in found], [one.polygon for one in expected], atol=0.01)


# --- what is refused ---------------------------------------------------------------------------------------------------------


def graph_with_same_upper(kernel: int, stride: int) -> bytes:
    """One convolution that adds up what its kernel covers."""
    from onnx import TensorProto, checker, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, "rows", "columns"]) for name in ("x", "y")]
    kernels = helper.make_tensor("w", TensorProto.FLOAT, [1, 1, kernel, kernel], [1.0] * kernel**2)
    sizes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
    node = helper.make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", **sizes)
    graph = helper.make_graph([node], "sums", ends[:1], ends[1:], [kernels])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


SMALL = np.arange(42, dtype=np.float32).reshape(1, 1, 6, 7)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_padding_that_the_graph_leaves_open_is_written_out_as_onnx_defines_it(kernel):
    network = open_network(graph_with_same_upper(kernel, 1), TORCH, SMALL)
    expected = cv2.filter2D(SMALL[0, 0], -1, np.ones((kernel, kernel)), anchor=((kernel - 1) // 2,) * 2, borderType=cv2.BORDER_CONSTANT)
    np.testing.assert_allclose(network.run(SMALL)[0, 0], expected)


def test_padding_that_depends_on_the_size_of_the_image_is_refused():
    with pytest.raises(EngineUnavailable, match="--device cpu"):
        open_network(graph_with_same_upper(3, 2), TORCH, SMALL)


def test_a_device_that_fails_or_computes_something_else_is_refused():
    def wrong_on_tensors(batch):
        return batch if isinstance(batch, np.ndarray) else batch + 1

    def fails_on_tensors(batch):
        return batch if isinstance(batch, np.ndarray) else batch.reshape(7, 7)

    open_network(graph_with_same_upper(3, 1), TORCH, SMALL, identity)
    with pytest.raises(EngineUnavailable, match="cannot run the network.*--device cpu"):
        open_network(graph_with_same_upper(3, 1), TORCH, SMALL, fails_on_tensors)
    with pytest.raises(EngineUnavailable, match="does not compute what the CPU does.*--device cpu"):
        open_network(graph_with_same_upper(3, 1), TORCH, SMALL, wrong_on_tensors)
