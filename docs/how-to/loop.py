import torch

try:
    from harness_recorder import Recorder
except ImportError:  # not inside a probe: every call is taken, and nothing recorded

    class Recorder:
        stopped = None
        __init__ = __exit__ = lambda *_, **__: None
        __enter__ = lambda self: self
        config = lambda self, config: config
        __getattr__ = lambda self, name: lambda *_, **__: None


with Recorder(settings={"lr": 0.1}) as recorder:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1)
    recorder.prepare(model, seed=0)  # the same start values in every release
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    recorder.attach(model, optimizer)
    for _ in range(30):
        x = torch.randn(8, 4)
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        recorder.loss(loss)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if recorder.stopped:  # a loss or weight that is not finite
            break
    print(f"loss {float(loss):.4f}")
