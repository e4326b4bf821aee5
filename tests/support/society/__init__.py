"""A small society that acts at random: a model of what everybody must see, and the means to act and to compare.

model      who follows, blocks, likes …, and what follows from it for every viewer
people     the same accounts on the mesh: calls, and the differences between mesh and model
actions    random actions, made on both
newcomers  new accounts, with photos to publish
"""

from tests.support.society.actions import Actions
from tests.support.society.model import Model
from tests.support.society.newcomers import settle
from tests.support.society.people import People, patiently

__all__ = ["Actions", "Model", "People", "patiently", "settle"]
