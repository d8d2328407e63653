"""A file of rows in, a file of predictions out: streamed, resumable, written whole."""

from weakft.prediction.predict import CHUNK_ROWS, Predicted, predict_file

__all__ = ["CHUNK_ROWS", "Predicted", "predict_file"]
