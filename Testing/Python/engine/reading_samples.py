"""Real images written anew as DICOM in every encoding that the reader has to know, for the tests of reading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import dcmread, examples
from pydicom._uid_dict import UID_dictionary
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

NAME = "DOE^JANE"

# pydicom 3.0 refuses to write transfer syntaxes that are younger than its dictionary.
for _uid in ("1.2.840.10008.1.2.8.1", *(f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112))):
    UID_dictionary.setdefault(_uid, ("", "Transfer Syntax", "", "", ""))


def color_image() -> np.ndarray:
    """A power Doppler screen with text, uint8 ``(240, 320, 3)``."""
    return examples.rgb_color.pixel_array


def ct_image() -> np.ndarray:
    """A CT slice, int16 ``(128, 128)``."""
    return dcmread(get_testdata_file("CT_small.dcm")).pixel_array


def gray_12_bit_image() -> np.ndarray:
    """A radiograph whose values use 11 of 12 bits, uint16 ``(300, 484)``."""
    return examples.overlay.pixel_array


def sample(name: str) -> Path:
    """A DICOM file that comes with pydicom."""
    return Path(get_testdata_file(name, download=False))


def write_dicom(
    path: Path, pixel_data: bytes | Sequence[bytes], like: np.ndarray, syntax: str = ExplicitVRLittleEndian, **attributes
) -> Path:
    """Write a DICOM file.

    Parameters
    ----------
    pixel_data
        The value of PixelData, or the encoded frames, which are encapsulated.
    like
        One decoded frame: gives Rows, Columns, SamplesPerPixel, bits and sign, unless ``attributes`` say otherwise.
    attributes
        Elements by keyword; None leaves one out.
    """
    bits = 8 * like.itemsize
    values = {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "SOPInstanceUID": generate_uid(entropy_srcs=[path.name]),
        "Modality": "OT",
        "PatientName": NAME,
        "Rows": like.shape[0],
        "Columns": like.shape[1],
        "SamplesPerPixel": 3 if like.ndim == 3 else 1,
        "PhotometricInterpretation": "RGB" if like.ndim == 3 else "MONOCHROME2",
        "PlanarConfiguration": 0 if like.ndim == 3 else None,
        "BitsAllocated": bits,
        "BitsStored": bits,
        "PixelRepresentation": int(like.dtype.kind == "i"),
    }
    values |= {"HighBit": attributes.get("BitsStored", bits) - 1} | attributes
    dataset = Dataset()
    for keyword, value in values.items():
        if value is not None:
            setattr(dataset, keyword, value)
    keyword = {"float32": "FloatPixelData", "float64": "DoubleFloatPixelData"}.get(like.dtype.name, "PixelData")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    if isinstance(pixel_data, bytes):
        setattr(dataset, keyword, pixel_data + b"\0" * (len(pixel_data) % 2))
    else:
        dataset.PixelData = encapsulate(list(pixel_data), has_bot=False)
        dataset["PixelData"].is_undefined_length = True
    if keyword == "PixelData":
        dataset["PixelData"].VR = "OB" if not isinstance(pixel_data, bytes) or dataset.BitsAllocated <= 8 else "OW"
    dataset.save_as(
        path,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=True,
    )
    return path
