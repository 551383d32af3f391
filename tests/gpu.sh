#!/usr/bin/env bash
# Everything that needs a CUDA device, in one command of under nine minutes.
#
#   tests/gpu.sh [REPORT]      REPORT: a Markdown file; build/gpu.md by default
#
# Steps: the CUDA tests, the conformance kit on the device, the benchmark on the device.
# A step that fails does not stop the others. What is missing is installed into a venv,
# build/gpu-venv, that sees the system's packages; or set REFTILER_PYTHON to the Python
# of an environment to use as it is.
#
# Exit codes: 0 all passed, 1 a step failed, 3 there is no CUDA device.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
report=${1:-build/gpu.md}
deadline=$((SECONDS + 530))
export NO_COLOR=1 TERM=dumb COLUMNS=100 PYTHONUNBUFFERED=1
export PIP_DISABLE_PIP_VERSION_CHECK=1

# The driver is asked itself: torch may be missing, or built without CUDA.
count_devices='
import ctypes, sys
count = ctypes.c_int(0)
try:
    cuda = ctypes.CDLL("libcuda.so.1")
    failed = cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count))
except (OSError, AttributeError) as error:
    sys.exit(f"no CUDA device: {error}")
if failed or not count.value:
    sys.exit(f"no CUDA device: the driver finds {count.value} (error {failed})")
'
if ! "${REFTILER_PYTHON:-python3}" -c "$count_devices"; then
  echo "Nothing was run and no report was written." >&2
  exit 3
fi

mkdir -p "$(dirname "$report")" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=0
: > "$scratch/table"
: > "$scratch/details"

# Take colours and the paths of this machine out of a text.
plain() {
  tr -d '\r' | sed -E -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' \
    -e "s|$PWD|.|g" -e "s|$scratch|TMP|g" \
    -e 's#/[^ :"]*/(site|dist)-packages#\1-packages#g' -e 's#/(home/[^/ ]+|root)/#~/#g'
}

# step TITLE SECONDS LINES COMMAND...: run a command for so long at most; of what it
# prints so many of the last lines go into the report, more if it fails.
step() {
  local title=$1 limit=$2 lines=$3 code=0 result began=$SECONDS
  shift 3
  local left=$((deadline - SECONDS))
  if ((limit > left)); then limit=$left; fi
  printf '== %s\n' "$title"
  if ((limit < 5)); then
    code=124
    echo "not begun: no time was left" > "$scratch/log"
  else
    timeout --kill-after=10 "$limit" "$@" > "$scratch/log" 2>&1 || code=$?
  fi
  case $code in
    0) result=passed ;;
    124 | 137) result="out of time after $((SECONDS - began)) s" ;;
    *) result="failed (exit code $code)" ;;
  esac
  if ((code)); then
    failed=1
    lines=80
  fi
  printf '   %s\n' "$result"
  printf '| %s | %s | %d s |\n' "$title" "$result" $((SECONDS - began)) \
    >> "$scratch/table"
  {
    printf '\n## %s: %s\n\n' "$title" "$result"
    tail -n "$lines" "$scratch/log" | plain | sed 's/^/    /'
  } >> "$scratch/details"
}

needed='
import hypothesis, numpy, pytest, rich, skimage, torch, triton, typer, yaml
from importlib.metadata import entry_points
assert torch.cuda.is_available(), f"torch {torch.__version__} finds no CUDA device"
assert entry_points(group="reftiler.commands"), "reftiler is not installed"
'
python=${REFTILER_PYTHON:-}
if [ -z "$python" ]; then
  python=build/gpu-venv/bin/python
  if [ ! -x "$python" ]; then
    step "environment" 60 3 python3 -m venv --system-site-packages build/gpu-venv
  fi
fi
if ! "$python" -c "$needed" 2> /dev/null; then
  if [ -z "${REFTILER_PYTHON:-}" ]; then
    step "installing" 300 3 \
      "$python" -m pip install -q -e ".[torch,conformance]" triton
  fi
  step "what is needed is there" 60 5 "$python" -c "$needed"
fi

facts='
import datetime, platform, subprocess
import numpy, torch

def said(*command):
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return run.stdout.strip().splitlines()[0] if run.stdout.strip() else ""

try:
    import triton
    known = triton.__version__
except ImportError:
    known = "none"
changed = " with changes" if said("git", "status", "--porcelain", "-uno") else ""
gpu = torch.cuda.get_device_properties(0)
capability = f"{gpu.major}.{gpu.minor}, {gpu.total_memory / 2**30:.0f} GiB"
query = "--query-gpu=driver_version", "--format=csv,noheader"
today = datetime.datetime.now(datetime.timezone.utc)
for name, value in {
    "date": f"{today:%Y-%m-%d %H:%M} UTC",
    "commit": said("git", "rev-parse", "--short=12", "HEAD") + changed,
    "GPU": f"{gpu.name} (capability {capability})",
    "driver": said("nvidia-smi", *query),
    "CUDA of torch": torch.version.cuda,
    "torch": torch.__version__,
    "triton": known,
    "numpy": numpy.__version__,
    "Python": platform.python_version(),
}.items():
    print(f"- {name}: {value}")
'
"$python" -c "$facts" > "$scratch/facts" 2> "$scratch/log" \
  || echo "- not known: $(tail -n 1 "$scratch/log" | plain)" >> "$scratch/facts"

step "CUDA tests" 260 5 \
  "$python" -m pytest -m cuda -q -p no:cacheprovider --durations=3 tests/test_torch_cuda.py
step "conformance on the device" 150 15 \
  "$python" -m reftiler.cli conform torch --device cuda --quick
step "benchmark on the device" 120 200 \
  "$python" -m reftiler.cli bench --device cuda --quick

{
  printf '# reftiler on a CUDA device\n\n'
  printf 'Written by `tests/gpu.sh`: %s.\n\n' \
    "$( ((failed)) && echo "not all steps passed" || echo "all steps passed")"
  cat "$scratch/facts"
  printf '\n| step | result | took |\n| --- | --- | --- |\n'
  cat "$scratch/table" "$scratch/details"
} > "$report" || failed=1
echo "Report: $report"
exit "$failed"
