"""A few units beside each feed-forward layer learn."""

from torch import nn
from transformers import PreTrainedModel

from weakft.errors import ConfigError
from weakft.training.strategies.anatomy import Anatomy
from weakft.training.strategies.base import Strategy, learn_only
from weakft.training.strategies.feed_forward import feed_forward_layers

UNITS = "weakft_adapter_units"  # in config.json: so many units, the last ones, are an adapter


class Adapter(Strategy):
    """Trains `train.adapter_units` units beside those of every feed-forward layer, and the head.

    A bottleneck adapter (Houlsby et al., ICML 2019) in its parallel form (He et al., "Towards a
    unified view of parameter-efficient transfer learning", ICLR 2022): what a layer's way up and
    down adds to a token's state, a narrow way up and down beside it adds too. A layer and its
    adapter are a wider layer, so that the outcome is a plain model. A model that has an adapter
    already trains that one on.

    Raises:
        ConfigError: its layers are of another kind than those of BERT, DistilBERT, ViT or GPT-2,
            or it has an adapter of another width.
    """

    name = "adapter"

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Put the adapters beside the layers; at first they add nothing."""
        units = self.settings.adapter_units
        known = int(getattr(network.config, UNITS, 0))
        if known not in (0, units):
            raise ConfigError(
                f"train.adapter_units: wanted {known}, as wide as the adapter that train.model has "
                f"already, got {units}."
            )
        self._layers = feed_forward_layers(network)
        for layer in self._layers:
            if known:
                layer.split(units)
            else:
                layer.widen(units)
        learning = {name for name, _ in network.named_parameters() if ".beside." in name}
        learn_only(network, {*learning, *Anatomy.of(network).head})
        return network

    def finish(self, trained: nn.Module, network: PreTrainedModel) -> PreTrainedModel:
        """Make one layer of each and its adapter."""
        for layer in self._layers:
            layer.join()
            setattr(network.config, layer.width_is_called, layer.width)
        setattr(network.config, UNITS, self.settings.adapter_units)
        return super().finish(trained, network)
