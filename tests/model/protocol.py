#!/usr/bin/env python3
"""Exhaustive check of Penstock's delivery protocol for one key of a mirror sync .

State: source version, destination version, snapshot entry, the active run with its batch, two loaders, batches that a
restored Redis may bring back. Invariant: whenever nothing is in flight, a confirmed entry equals the destination, and
no entry means that the destination holds nothing of ours. So a fault-free run always ends at the model.
  protocol.py            checks the protocol, then that each mutation of it is caught
"""
import sys
from collections import deque, namedtuple
S = namedtuple('S', 'src dst entry run read batch open_grant loaders old n')
# open_grant: per loader, the id of the batch that it holds a grant for, or 0
# entry: None | (version, doubt);  batch: None | (id, op, version, settled, unanswered, entry before its first Begin)
# loaders: tuple of (None | (id, op, v, phase, applied))  phase: took, granted, flying(applied undecided), answered(ok|rej), unanswered
ABSENT, NONE = 0, 'none'
def decide(e, src, r, mut):
    if src != ABSENT: return None if e and e[0] == src and not (e[1] and 'no_doubt_reread' not in mut) else (r, 'up', src, False, False, NONE)
    return (r, 'rm', ABSENT, False, False, NONE) if e else None
def moves(s, mut, R=3):
    out = []
    def nx(**k): out.append(s._replace(**k))
    if s.n < 3:                                              # the source changes at will
        for v in (ABSENT, 1, 2):
            if v != s.src: nx(src=v, n=s.n + 1)
    flying = any(l and l[3] == 'flying' for l in s.loaders)
    # a new run (or a new read of the active one): refused while a grant is open
    if (not any(s.open_grant) or 'new_run_while_granted' in mut) and s.read < R:
        old = s.old if not s.batch else tuple(sorted(set(s.old) | {(s.batch[0], s.batch[1], s.batch[2])}))[-2:]
        r = s.read + 1
        b = decide(s.entry, s.src, r, mut)
        nx(read=r, batch=b, old=old)
    for i, l in enumerate(s.loaders):
        def ld(x, **k): nx(loaders=s.loaders[:i] + (x,) + s.loaders[i + 1:], **k)
        if l is None:                                        # take the batch, or one that Redis brought back
            for b in ([s.batch[:3]] if s.batch else []) + list(s.old): ld((b[0], b[1], b[2], 'took', None))
            continue
        bid, op, v, ph, ap = l
        if ph != 'flying': ld(None, **({} ))                 # the loader dies (its grant runs out by itself, below)
        else: ld((bid, op, v, 'dead', None))                 # dies with the request in the network
        if ph == 'took':
            ok = s.batch and s.batch[0] == bid and not s.batch[3] and bid not in s.open_grant
            if 'no_grant_check' in mut: ok = True
            if ok:
                e, b = s.entry, s.batch
                if b and b[0] == bid and b[5] == NONE: b = b[:5] + (e,)
                if 'no_intent' not in mut: e = (e[0] if e else v, True)
                ld((bid, op, v, 'granted', None), open_grant=setg(s, i, bid), entry=e, batch=b)
        elif ph == 'granted' and (s.open_grant[i] == bid or 'late_send' in mut):
            ld((bid, op, v, 'flying', None))
        elif ph in ('flying', 'dead'):
            for applied in (False, True):
                d = (v if op == 'up' else ABSENT) if applied else s.dst
                if ph == 'dead': ld(None, dst=d); continue
                ld((bid, op, v, 'ok' if applied else 'rejected', applied), dst=d)   # answered
                ld((bid, op, v, 'lost', applied), dst=d)                          # no answer
        elif ph in ('ok', 'rejected', 'lost'):
            if s.open_grant[i] == bid and s.batch and s.batch[0] == bid:
                unc = s.batch[4]
                e = s.entry
                if ph == 'ok': e = (v, False) if op == 'up' else None
                elif ph == 'rejected' and not unc:     # every attempt answered: the older entry shows again, with its own doubt
                    e = s.batch[5]
                    if 'clean_prev' in mut and e: e = (e[0], False)
                if ph == 'lost' and 'lost_is_ok' in mut: e = (v, False) if op == 'up' else None
                fin = (bid, op, v, ph != 'lost', unc or ph == 'lost', s.batch[5])
                ld(None, batch=fin, open_grant=setg(s, i, 0), entry=e)
            elif 'stale_report_counts' in mut and ph == 'ok':
                ld(None, entry=(v, False) if op == 'up' else None)
            else: ld(None)
    # a grant runs out: never while its request can still reach the destination (attempt deadline < grant)
    for i, g in enumerate(s.open_grant):
        l = s.loaders[i]
        if g and (not (l and l[3] in ('flying', 'dead')) or 'expires_early' in mut):
            b = s.batch
            nx(open_grant=setg(s, i, 0), batch=b and (b[:4] + (True, b[5]) if b[0] == g else b))
    return out
def setg(s, i, g): return s.open_grant[:i] + (g,) + s.open_grant[i + 1:]
def quiet(s): return not any(s.open_grant) and not any(l and l[3] in ('flying', 'dead', 'granted', 'ok', 'rejected', 'lost') for l in s.loaders)
def bad(s, mut):
    if not quiet(s): return False
    if decide(s.entry, s.src, 0, mut) is None and s.dst != s.src: return True      # a run would find nothing to do
    if s.entry is None: return s.dst != ABSENT
    return not s.entry[1] and s.entry[0] != s.dst
def check(mut=(), limit=2_000_000):
    s0 = S(ABSENT, ABSENT, None, 1, 0, None, (0, 0), (None, None), (), 0)
    seen = {s0: None}; q = deque([s0])
    while q:
        s = q.popleft()
        if bad(s, mut):
            path = []
            while s: path.append(s); s = seen[s]
            return len(seen), path[::-1]
        for t in moves(s, mut):
            if t not in seen:
                seen[t] = s; q.append(t)
                if len(seen) > limit: return len(seen), 'limit'
    return len(seen), None
if __name__ == '__main__':
    n, p = check()
    print(f'protocol: {n} states,', 'holds' if p is None else p if p == 'limit' else 'BROKEN')
    if p and p != 'limit':
        for x in p: print('  ', x)
    missed = 0
    for m in ('no_intent', 'no_doubt_reread', 'no_grant_check', 'new_run_while_granted', 'late_send', 'lost_is_ok', 'stale_report_counts', 'expires_early', 'clean_prev'):
        k, q = check((m,))
        print(f'  mutation {m}: {k} states,', 'caught' if q not in (None, 'limit') else f'NOT caught ({q})'); missed += q in (None, 'limit')
    sys.exit(1 if p or missed else 0)
