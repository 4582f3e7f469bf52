"""Proof that each check of check_history.py can fail: a small good history, damaged in many ways."""

import json
import sys

GOOD = """
{"type":"meta","format":1,"regions":["eu","us"],"homes":{"a/k":"us"},"min_delay_ms":{"eu>us":40,"us>eu":40}}
{"type":"invoke","process":0,"f":"write","key":"a/k","value":"x","time_ns":0}
{"type":"applied","region":"us","shard":"us","epoch":1,"seq":1,"key":"a/k","value":"x","version":1,"time_ns":1000000}
{"type":"ok","process":0,"f":"write","key":"a/k","value":"x","region":"us","version":1,"queued":false,"time_ns":2000000}
{"type":"invoke","process":0,"f":"cas","key":"a/k","value":["x","y"],"time_ns":3000000}
{"type":"applied","region":"us","shard":"us","epoch":1,"seq":2,"key":"a/k","value":"y","version":2,"time_ns":4000000}
{"type":"ok","process":0,"f":"cas","key":"a/k","value":["x","y"],"region":"us","version":2,"queued":false,"time_ns":5000000}
{"type":"invoke","process":1,"f":"cas","key":"a/k","value":["x","z"],"time_ns":6000000}
{"type":"fail","process":1,"f":"cas","key":"a/k","value":["x","z"],"problem":"precondition-failed","time_ns":7000000}
{"type":"applied","region":"eu","shard":"us","epoch":1,"seq":1,"key":"a/k","value":"x","version":1,"time_ns":41000000}
{"type":"invoke","process":2,"f":"read","key":"a/k","value":null,"time_ns":42000000}
{"type":"ok","process":2,"f":"read","key":"a/k","value":"x","region":"eu","version":1,"queued":false,"time_ns":43000000}
{"type":"applied","region":"eu","shard":"us","epoch":1,"seq":2,"key":"a/k","value":"y","version":2,"time_ns":44000000}
{"type":"invoke","process":2,"f":"read","key":"a/k","value":null,"consistency":"strong","time_ns":45000000}
{"type":"ok","process":2,"f":"read","key":"a/k","value":"y","region":"us","version":2,"queued":false,"time_ns":46000000}
{"type":"invoke","process":2,"f":"read","key":"a/k","value":null,"time_ns":47000000}
{"type":"ok","process":2,"f":"read","key":"a/k","value":"y","region":"eu","version":2,"queued":false,"time_ns":48000000}
{"type":"invoke","process":1,"f":"write","key":"a/k","value":"w","time_ns":50000000}
{"type":"ok","process":1,"f":"write","key":"a/k","value":"w","region":"us","version":3,"queued":false,"time_ns":51000000}
{"type":"final","region":"eu","key":"a/k","value":"w","version":3}
{"type":"final","region":"us","key":"a/k","value":"w","version":3}
""".strip().splitlines()

CANARIES = [  # line, what becomes other in it, what must be said
    (12, {"value": "y"}, "one_value_a_version"),
    (12, {"value": "never"}, "reads_were_written"),
    (12, {"value": "z"}, "reads_were_written"),
    (12, {"value": "w"}, "reads_were_written"),
    (19, {"version": 2}, "versions_rise"),
    (17, {"value": "x", "version": 1}, "sessions_go_forward"),
    (17, {"value": None, "version": None}, "sessions_go_forward"),
    (15, {"value": "x", "version": 1}, "strong_reads_are_new"),
    (15, {"value": None, "version": None}, "strong_reads_are_new"),
    (7, {"version": 4}, "conditions_held"),
    (9, {"type": "ok", "region": "us", "version": 9, "queued": False}, "conditions_held"),
    (12, {"time_ns": 39000000}, "Unreadable"),
    (17, {"value": "w", "version": 3}, "reads_were_written"),
    (2, {"time_ns": 1000000000}, "Unreadable"),
    (10, {"time_ns": 40000000}, "nothing_is_faster_than_its_link"),
    (1, {"min_delay_ms": {"us>eu": 43.5}}, "nothing_is_faster_than_its_link"),
    (1, {"homes": {"a/k": "eu"}, "min_delay_ms": {"eu>us": 44}},
     "nothing_is_faster_than_its_link"),
    (13, {"value": "q", "version": 7}, "logs_agree"),
    (20, {"value": "y", "version": 2}, "the_end_is_right"),
    (21, {"value": "q"}, "the_end_is_right"),
    (21, {"version": 4}, "the_end_is_right"),
    (1, {"format": 2}, "Unreadable"),
    (3, {"type": "what"}, "Unreadable"),
]


def run(checks, check, unreadable):
    def findings_of(lines):
        try:
            return check(lines)
        except unreadable as error:
            return [(0, "Unreadable", str(error))]

    failures = ["found for no reason: %s" % (each,) for each in findings_of(GOOD)]
    for number, changes, want in CANARIES:
        lines = list(GOOD)
        lines[number - 1] = json.dumps(dict(json.loads(lines[number - 1]), **changes))
        if want not in [name for _, name, _ in findings_of(lines)]:
            failures.append("not found: %s in line %d" % (want, number))
    failures += ["no canary: %s" % each.__name__ for each in checks
                 if each.__name__ not in [want for _, _, want in CANARIES]]
    for failure in failures:
        print("canary: " + failure, file=sys.stderr)
    print("history canary: %d damages, %d failures" % (len(CANARIES), len(failures)))
    return 1 if failures else 0
