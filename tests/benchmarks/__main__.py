"""`python -m tests.benchmarks [NAME…]`: run the benchmarks named (bench_NAME.py), or all, one after the other."""

import importlib
import pkgutil
import sys

import tests.benchmarks as package


def names() -> list[str]:
    """Names of all benchmarks, in alphabetical order."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name.removeprefix("bench_") for name in found if name.startswith("bench_"))


def main(chosen: list[str]) -> None:
    """Run each benchmark's `main()`; it prints its table."""
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        raise SystemExit(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(names())}")
    for name in chosen or names():
        print(f"\n# {name}", flush=True)
        importlib.import_module(f"tests.benchmarks.bench_{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
