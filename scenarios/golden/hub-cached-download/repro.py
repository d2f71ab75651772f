"""Import diffusers' loader of modules."""

from diffusers.utils import dynamic_modules_utils

print(dynamic_modules_utils.__name__)
