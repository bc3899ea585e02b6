#!/usr/bin/env bash
# sac bench: the fields that it prints, what it refuses, that it leaves nothing behind, and that it does not
# time a build without optimisation. How fast anything is, is not tested here.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"
quick=(--json --repeats 2 --seconds 0.001)
fields='commit gflops isa peak_share peak_share_bf16 precision rate_best rate_median threads unit what'

# has_fields LINES: so many lines on stdin, each an object with just these fields, and sane numbers
has_fields() {
  python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert len(lines) == int(sys.argv[1]), lines
for o in lines:
    assert sorted(o) == sys.argv[2].split(), o
    assert o["rate_best"] > 0 and o["rate_median"] > 0, o
    better = o["rate_best"] <= o["rate_median"] if o["unit"] == "us" else o["rate_best"] >= o["rate_median"]
    assert better, o
    assert (o["gflops"] is None) == (o["peak_share"] is None), o
    if o["gflops"] is not None:
        assert o["gflops"] > 0 and o["peak_share"] > 0, o
' "$1" "$fields"
}

"$sac" bench update "${quick[@]}" --obs 5 --act 2 --width 16 --layers 1 --batch 8 | has_fields 1
"$sac" bench update "${quick[@]}" --threads 2 >two
grep -q '"what":"update"' two && grep -q '"threads":2' two || fail "update: $(cat two)"
"$sac" bench act "${quick[@]}" --width 16 | tee act | has_fields 2
grep -q '"what":"act_p99.9"' act || fail "act has no 99.9th percentile"
"$sac" bench kernels "${quick[@]}" >kernels
has_fields "$(wc -l <kernels)" <kernels
for what in fma gemm_forward adam tanh_normal; do
  grep -q "\"what\":\"$what\"" kernels || fail "no kernel $what"
done
"$sac" bench update "${quick[@]}" --policy beta --width 16 --batch 8 >beta
grep -q '"what":"update beta"' beta || fail "update of a beta policy: $(cat beta)"
# a preset and settings over it; how many operations that takes is not known
"$sac" bench update "${quick[@]}" --preset cleanrl --set batch=8 --width 16 >preset
grep -q '"what":"update cleanrl batch=8"' preset && grep -q '"gflops":null' preset ||
  fail "update of a preset: $(cat preset)"
# the precision is the one that runs, which --set has the last word on
"$sac" bench update "${quick[@]}" --precision bf16 --set precision=fp32 --width 16 --batch 8 >precise
grep -q '"precision":"fp32"' precise || fail "the precision: $(cat precise)"
mkdir folder
TMPDIR=$PWD/folder "$sac" bench small "${quick[@]}" | has_fields 1
[ -z "$(ls folder)" ] || fail "bench small left $(ls folder)"

# what it counts, it counts right: GFLOP/s over updates/s is the work of an update
"$sac" bench update "${quick[@]}" | python3 -c '
import json, sys
o = json.load(sys.stdin)
assert abs(o["gflops"] / o["rate_best"] - 0.5816) < 1e-3, o'

# for people: a head, and the same row
"$sac" bench update --repeats 1 --seconds 0.001 --width 16 --batch 8 | grep -q '^update  *updates/s' ||
  fail "no row for people"

refuses 2 "what?" "$sac" bench
refuses 2 "did you mean update" "$sac" bench updat
refuses 2 "no benchmark 'qqqq'" "$sac" bench qqqq
refuses 2 "'more' is too many" "$sac" bench update more
"$sac" bench update "${quick[@]}" --threads auto --width 16 --batch 8 | has_fields 1

refuses 2 "--threads = 0: must be an integer in [1, 256]" "$sac" bench update --threads 0
refuses 2 "--repeats = 0: must be an integer in [1, " "$sac" bench update --repeats 0
refuses 2 "--seconds = -1: must be a number in (0, 3600]" "$sac" bench update --seconds -1
refuses 2 "--precision = fp16: must be fp32 or bf16" "$sac" bench update --precision fp16
refuses 2 "policy = gamma: must be one of tanh_normal, " "$sac" bench update --policy gamma
SAC_ISA=generic refuses 2 "precision = bf16: needs avx512" "$sac" bench update --precision bf16
refuses 2 "unknown preset 'cleanr': did you mean cleanrl" "$sac" bench update --preset cleanr
refuses 2 "unknown option 'bach': did you mean batch" "$sac" bench update --set bach=8
refuses 2 "must be of the form KEY=VALUE" "$sac" bench update --set batch
refuses 2 "--preset is of 'bench update'" "$sac" bench small --preset sac
refuses 2 "--theta is of 'bench dist'" "$sac" bench update --theta 1
refuses 2 "no other flag" "$sac" bench dist gamma --threads 2
TMPDIR=/nowhere refuses 1 "cannot make the folder /nowhere/" "$sac" bench small --repeats 1

# the program again without optimisation, on the same library but for the file that says how it was compiled
[ -z "$SAC_SANITIZE" ] || exit 0
# shellcheck disable=SC2046,SC2086 # the flags, and CC, are words
$CC -std=c17 -O0 -I"$SAC_SOURCE_DIR/include" -I"$SAC_SOURCE_DIR/src" "$SAC_SOURCE_DIR"/cli/*.c \
  "$SAC_SOURCE_DIR/src/bench/bench.c" "$SAC_BINARY_DIR/libsac.a" -o slow \
  $(pkg-config --cflags --libs jansson libxxhash) -pthread -ldl -lm
refuses 1 "this is a Debug build" ./slow bench update
