"""What `weakft init` writes: a project to begin with, and files that retrain one every night."""

from weakft.scaffold.deploying import Deployment, Kind, add_deployment
from weakft.scaffold.example import start_example
from weakft.scaffold.own_data import start_with_data
from weakft.scaffold.writing import Started

__all__ = [
    "Deployment",
    "Kind",
    "Started",
    "add_deployment",
    "start_example",
    "start_with_data",
]
