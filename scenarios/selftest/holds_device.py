"""Opens the device as it is imported, as some library might; without a GPU it starts a thread, which forbids a fork too."""

import os
import threading
import time

import torch

if os.environ["HARNESS_DEVICE"] == "cuda":
    held = torch.zeros(1, device="cuda")
else:
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
