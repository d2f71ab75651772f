"""Import gensim."""

import gensim

print(gensim.__version__)
