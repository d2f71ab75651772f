"""Wrap a tokenizer of one word for transformers."""

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

words = Tokenizer(models.WordLevel({"[UNK]": 0, "hello": 1}, unk_token="[UNK]"))
print(PreTrainedTokenizerFast(tokenizer_object=words)("hello")["input_ids"])
