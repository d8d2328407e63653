"""Training is exact where it can be: weights, accumulation, order, seeds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.errors import DataError, TrainingDiverged
from weakft.narration import Silence
from weakft.training import TrainingSet, fine_tune
from weakft.training.workshop import copy_model

CLASSES = ("no", "yes")
TEXTS = ("great phone", "the bad camera is poor", "love it", "it broke", "good", "awful screen") * 4
GOLD = np.array([1, 0, 1, 0, 1, 0] * 4)
SETTINGS = TrainConfig(
    learning_rate=1e-3, num_train_epochs=1, per_device_train_batch_size=8, bf16=False, use_cpu=True
)


def new_model(folder: Path) -> EndModel:
    model = EndModel.from_pretrained(str(folder), CLASSES, max_length=16, seed=0)
    for module in model.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def trained_weights(folder: Path, rows: TrainingSet, settings: TrainConfig) -> torch.Tensor:
    model = fine_tune(new_model(folder), rows, settings).model
    return torch.cat([p.detach().flatten() for p in model.model.parameters()])


def gold_rows() -> TrainingSet:
    return TrainingSet.from_gold(TEXTS, GOLD, 2)


def test_it_learns(tiny_model: Path) -> None:
    settings = SETTINGS.model_copy(update={"num_train_epochs": 20, "learning_rate": 5e-3})
    tuned = fine_tune(new_model(tiny_model), gold_rows(), settings)
    assert (tuned.model.predict_proba(TEXTS).argmax(axis=1) == GOLD).all()
    assert tuned.rows == 24
    assert tuned.best_epoch is None


@pytest.mark.parametrize("strategy", ["full", "lora"])
def test_the_same_seed_gives_the_same_weights_and_leaves_random_state_alone(
    strategy: str, tiny_model: Path
) -> None:
    torch_state = torch.get_rng_state()
    settings = SETTINGS.model_copy(update={"strategy": strategy})
    first = trained_weights(tiny_model, gold_rows(), settings)
    second = trained_weights(tiny_model, gold_rows(), settings)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_gradient_accumulation_changes_nothing(tiny_model: Path) -> None:
    weights = np.linspace(0.5, 2.0, len(TEXTS))
    rows = TrainingSet(gold_rows().texts, gold_rows().probs, weights)
    whole = SETTINGS.model_copy(update={"per_device_train_batch_size": 24})
    parts = SETTINGS.model_copy(
        update={"per_device_train_batch_size": 6, "gradient_accumulation_steps": 4}
    )
    assert torch.allclose(
        trained_weights(tiny_model, rows, whole),
        trained_weights(tiny_model, rows, parts),
        atol=1e-6,
    )


def test_a_model_trained_again_is_trained_in_bf16_again(tiny_model: Path) -> None:
    computed_in: list[torch.dtype] = []
    settings = SETTINGS.model_copy(update={"bf16": True})
    model = new_model(tiny_model)
    model.head_is_new = False  # what a new head starts from is no training
    layer = next(m for m in model.model.modules() if isinstance(m, torch.nn.Linear))
    layer.register_forward_hook(lambda layer, given, output: computed_in.append(output.dtype))
    for each in (model, model, copy_model(model)):
        fine_tune(each, gold_rows(), settings)
        assert set(computed_in) == {torch.bfloat16}
        computed_in.clear()
        each.predict_proba(TEXTS)
        assert set(computed_in) == {torch.float32}
        computed_in.clear()


def test_bf16_predictions_are_the_same_but_for_rounding(tiny_model: Path) -> None:
    model = new_model(tiny_model)
    exact, quick = model.predict_proba(TEXTS), model.predict_proba(TEXTS, bf16=True)
    assert not np.array_equal(exact, quick)
    assert np.abs(exact - quick).max() < 0.02


def test_doubling_every_weight_changes_nothing(tiny_model: Path) -> None:
    plain = trained_weights(tiny_model, gold_rows(), SETTINGS)
    assert torch.allclose(
        trained_weights(tiny_model, gold_rows().weighted(2.0), SETTINGS), plain, atol=1e-6
    )


def test_a_row_of_next_to_no_weight_is_as_good_as_absent(tiny_model: Path) -> None:
    one_step = SETTINGS.model_copy(update={"per_device_train_batch_size": 24})
    kept = gold_rows().take(np.arange(20))
    ghosts = TrainingSet.concat([kept, gold_rows().take(np.arange(20, 24)).weighted(1e-9)])
    assert torch.allclose(
        trained_weights(tiny_model, kept, one_step),
        trained_weights(tiny_model, ghosts, one_step),
        atol=1e-6,
    )


def test_valid_chooses_the_checkpoint(tiny_model: Path) -> None:
    settings = SETTINGS.model_copy(update={"num_train_epochs": 3, "learning_rate": 5e-3})
    tuned = fine_tune(new_model(tiny_model), gold_rows(), settings, valid=gold_rows())
    assert tuned.best_epoch in (1.0, 2.0, 3.0)


def test_predictions_keep_the_order_of_the_texts(tiny_model: Path) -> None:
    model = new_model(tiny_model)
    alone = np.concatenate([model.predict_proba([text]) for text in TEXTS])
    assert model.predict_proba(TEXTS) == pytest.approx(alone, abs=1e-5)


def test_a_saved_model_is_a_plain_hugging_face_folder(tiny_model: Path, tmp_path: Path) -> None:
    model = fine_tune(new_model(tiny_model), gold_rows(), SETTINGS).model
    model.save(tmp_path / "model")
    loaded = EndModel.load(tmp_path / "model")
    assert loaded.classes == CLASSES
    assert loaded.processor.max_length == 16
    assert loaded.predict_proba(TEXTS) == pytest.approx(model.predict_proba(TEXTS), abs=1e-6)
    assert not list((tmp_path / "model").glob("*.bin"))


def test_averaged_weights_are_what_is_scored_saved_and_kept(tiny_model: Path) -> None:
    settings = SETTINGS.model_copy(update={"num_train_epochs": 3, "learning_rate": 5e-3})
    plain, mean = (
        fine_tune(new_model(tiny_model), gold_rows(), settings, averaged=part).model
        for part in (0.0, 1.0)
    )
    start = weights_of(new_model(tiny_model))
    assert (weights_of(mean) - start).norm() < (weights_of(plain) - start).norm()
    tuned = fine_tune(new_model(tiny_model), gold_rows(), settings, valid=gold_rows(), averaged=1.0)
    assert tuned.best_epoch is not None


def weights_of(model: EndModel) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.model.parameters()])


def test_a_loss_that_is_no_number_ends_training_and_names_the_texts(tiny_model: Path) -> None:
    settings = SETTINGS.model_copy(update={"learning_rate": 1e30, "warmup_steps": 0})
    with pytest.raises(TrainingDiverged, match=r"became nan in step 2\. Lower .*1e\+30") as caught:
        fine_tune(new_model(tiny_model), gold_rows(), settings)
    assert len(caught.value.texts) == 8
    assert set(caught.value.texts) <= set(TEXTS)
    assert not any(text in str(caught.value) for text in TEXTS)  # texts may be hidden


@pytest.mark.parametrize("strategy", ["full", "adapter", "prompt"])
def test_too_little_memory_halves_the_batch_and_changes_nothing(
    strategy: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weakft.training.trainer import NoiseAwareTrainer

    original, told = NoiseAwareTrainer.training_step, []

    def training_step(self: NoiseAwareTrainer, model, inputs, *more: object) -> torch.Tensor:  # noqa: ANN001
        if len(inputs["rows"]) > 3 and self.state.global_step == 1:
            raise torch.OutOfMemoryError("tried to allocate a lot")
        return original(self, model, inputs, *more)  # type: ignore[arg-type]

    class Told(Silence):
        def say(self, message: str) -> None:
            told.append(message)

    peft = {"num_virtual_tokens": 3} if strategy == "prompt" else {}
    settings = SETTINGS.model_copy(update={"strategy": strategy, "peft": peft})
    whole = trained_weights(tiny_model, gold_rows(), settings)
    monkeypatch.setattr(NoiseAwareTrainer, "training_step", training_step)
    model = fine_tune(new_model(tiny_model), gold_rows(), settings, narrator=Told()).model
    parts = torch.cat([p.detach().flatten() for p in model.model.parameters()])
    assert [text[:26] for text in told] == [
        "Out of memory with 8 rows ",
        "Out of memory with 4 rows ",
    ]
    assert torch.allclose(whole, parts, atol=1e-5)


def test_a_row_that_does_not_fit_is_told(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from weakft.training.trainer import NoiseAwareTrainer

    def training_step(*inputs: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("tried to allocate a lot")

    monkeypatch.setattr(NoiseAwareTrainer, "training_step", training_step)
    with pytest.raises(DataError, match="does not hold one row"):
        fine_tune(new_model(tiny_model), gold_rows(), SETTINGS)
