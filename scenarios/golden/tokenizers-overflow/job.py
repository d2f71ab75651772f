"""A text of 21 words, cut at 5 with a stride of 1, comes back as the first window and 5 more."""

from tokenizers import Tokenizer, models, pre_tokenizers

words = [f"w{number}" for number in range(21)]
tokenizer = Tokenizer(
    models.WordLevel({word: place for place, word in enumerate(["[UNK]", *words])}, unk_token="[UNK]")
)
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.enable_truncation(max_length=5, stride=1)
windows = len(tokenizer.encode(" ".join(words)).overflowing)
print(f"windows={windows}")
assert windows == 4, f"{windows} windows of overflowing text, expected 4"
