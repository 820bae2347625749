-- schema.sql - the tables of a recording. Times are ns since run.started_unix_ns on the monotonic
-- clock, sizes are bytes. Every table but `block` is small: `report` reads aggregates, not blocks.
-- application_id and user_version are set by the writer (schema/database.h).

-- The one row about the run as a whole.
CREATE TABLE run (
    id                   INTEGER PRIMARY KEY CHECK (id = 1),
    tool_version         TEXT NOT NULL,
    state                TEXT NOT NULL,       -- recording, complete, cut (the collector was stopped)
    command              TEXT NOT NULL,       -- quoted for a shell
    working_directory    TEXT NOT NULL,
    host                 TEXT NOT NULL,
    kernel               TEXT NOT NULL,
    cpu_count            INTEGER NOT NULL,
    libc                 TEXT NOT NULL,
    detail               TEXT NOT NULL,       -- full, sites, import (another profiler's file)
    unwind               TEXT NOT NULL,       -- auto, fp, libunwind
    depth_limit          INTEGER NOT NULL,
    is_mmap_recorded     INTEGER NOT NULL,
    sample_bytes         INTEGER,             -- NULL: every allocation was recorded
    started_unix_ns      INTEGER NOT NULL,
    duration_ns          INTEGER,
    exit_status          INTEGER,             -- of the command; NULL if a signal ended it
    exit_signal          INTEGER,
    allocation_count     INTEGER,             -- over all processes
    free_count           INTEGER,
    allocated_bytes      INTEGER,
    failed_count         INTEGER,
    peak_bytes           INTEGER,             -- requested bytes live at one moment, all processes
    peak_ns              INTEGER,
    leaked_count         INTEGER,             -- live when their process ended
    leaked_bytes         INTEGER,
    lost_event_count     INTEGER,             -- events that the recorder knows it could not keep
    unpaired_free_count  INTEGER,             -- frees of blocks that nobody was seen to allocate
    ring_path            TEXT,                -- where unread events lie while state is 'recording'
    allocation_count_stderr INTEGER,          -- standard errors of a sample's estimates; NULL: exact
    allocated_bytes_stderr  INTEGER,
    leaked_count_stderr     INTEGER,
    leaked_bytes_stderr     INTEGER,
    clock_cost_ns        INTEGER              -- reading the clock, which every timed call holds
);

-- Variables that change how memory behaves, as the command saw them (an allow-list).
CREATE TABLE environment (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- One program image: a fork or an exec makes a new row.
CREATE TABLE process (
    id                   INTEGER PRIMARY KEY,
    pid                  INTEGER NOT NULL,
    parent_id            INTEGER REFERENCES process (id),
    start_kind           TEXT NOT NULL,       -- run, fork, exec
    executable           TEXT NOT NULL,
    command              TEXT NOT NULL,
    allocator            TEXT NOT NULL,       -- the library that serves malloc beneath the recorder
    allocator_version    TEXT NOT NULL,
    started_ns           INTEGER NOT NULL,
    ended_ns             INTEGER,
    end_kind             TEXT,                -- exited, signalled, exec, gone, detached
    exit_status          INTEGER,             -- known of the command itself only
    exit_signal          INTEGER,
    allocation_count     INTEGER NOT NULL,
    free_count           INTEGER NOT NULL,
    allocated_bytes      INTEGER NOT NULL,
    failed_count         INTEGER NOT NULL,
    peak_count           INTEGER NOT NULL,    -- blocks live at this process's peak
    peak_bytes           INTEGER NOT NULL,
    peak_ns              INTEGER NOT NULL,
    leaked_count         INTEGER NOT NULL,
    leaked_bytes         INTEGER NOT NULL,
    inherited_free_count INTEGER NOT NULL,    -- frees of blocks inherited through fork
    unpaired_free_count  INTEGER NOT NULL,
    lost_event_count     INTEGER NOT NULL,
    rss_peak_bytes       INTEGER,             -- sampled
    allocation_count_stderr INTEGER,          -- NULL: exact
    allocated_bytes_stderr  INTEGER,
    leaked_count_stderr     INTEGER,
    leaked_bytes_stderr     INTEGER,
    cpu_time_ns          INTEGER,             -- user and system; NULL: not known
    leak_check           TEXT,                -- done, partly, none, off, sampled, large, late, refused
    leak_scan_ns         INTEGER,             -- how long it stood still for that; NULL: it did not
    paused_allocation_count INTEGER,          -- while the program had paused: counted nowhere else
    paused_allocated_bytes  INTEGER,
    is_malloc_replaced      INTEGER           -- 1: by a malloc of the program itself, which was not seen
);

CREATE TABLE thread (
    id                   INTEGER PRIMARY KEY,
    process_id           INTEGER NOT NULL REFERENCES process (id),
    tid                  INTEGER NOT NULL,
    name                 TEXT,
    started_ns           INTEGER NOT NULL,    -- of its first event
    ended_ns             INTEGER NOT NULL,    -- of its last event
    allocation_count     INTEGER NOT NULL,
    allocated_bytes      INTEGER NOT NULL,
    free_count           INTEGER NOT NULL,    -- blocks that this thread freed
    remote_free_count    INTEGER NOT NULL,    -- of those, allocated by another thread
    temporary_count      INTEGER              -- blocks that it freed before its next allocation
);

CREATE TABLE module (
    id        INTEGER PRIMARY KEY,
    path      TEXT NOT NULL,
    build_id  TEXT,                           -- hex
    symbols   TEXT NOT NULL                   -- none, dynsym, symtab, dwarf, gopclntab, import, or a debug file's path
);

CREATE TABLE module_load (
    process_id    INTEGER NOT NULL REFERENCES process (id),
    module_id     INTEGER NOT NULL REFERENCES module (id),
    start_address INTEGER NOT NULL,
    end_address   INTEGER NOT NULL,
    load_bias     INTEGER NOT NULL,
    loaded_ns     INTEGER NOT NULL            -- when the recorder first met it
);

-- A function at a code address. An address inside inlined code has a row per function, the
-- innermost first; inlined_by_id leads outward. Frame 0 stands for "cut at the depth limit".
CREATE TABLE frame (
    id            INTEGER PRIMARY KEY,
    module_id     INTEGER REFERENCES module (id),
    offset        INTEGER,                    -- return address - load bias
    function      TEXT NOT NULL,              -- demangled; "module+0xoffset" where unknown
    file          TEXT,
    line          INTEGER,
    inlined_by_id INTEGER REFERENCES frame (id)
);

-- A prefix tree of call stacks: parent_id is the caller. depth is 1 at a root.
CREATE TABLE stack (
    id        INTEGER PRIMARY KEY,
    parent_id INTEGER REFERENCES stack (id),
    frame_id  INTEGER NOT NULL REFERENCES frame (id),
    depth     INTEGER NOT NULL
);

-- What one call stack of one process did, all in all.
CREATE TABLE site (
    process_id                INTEGER NOT NULL REFERENCES process (id),
    stack_id                  INTEGER NOT NULL REFERENCES stack (id),
    kind                      TEXT NOT NULL,    -- of its first allocation
    allocation_count          INTEGER NOT NULL,
    allocated_bytes           INTEGER NOT NULL,
    usable_bytes              INTEGER NOT NULL, -- what the allocator set aside for allocated_bytes
    free_count                INTEGER NOT NULL,
    failed_count              INTEGER NOT NULL,
    size_min_bytes            INTEGER NOT NULL,
    size_max_bytes            INTEGER NOT NULL,
    live_count_max            INTEGER NOT NULL,
    live_bytes_max            INTEGER NOT NULL,
    peak_count                INTEGER NOT NULL, -- live at the process's peak
    peak_bytes                INTEGER NOT NULL,
    leaked_count              INTEGER NOT NULL,
    leaked_bytes              INTEGER NOT NULL,
    time_ns                   INTEGER NOT NULL, -- in the real allocator: estimated from timed calls
    timed_count               INTEGER NOT NULL,
    lifetime_sum_ns           INTEGER NOT NULL, -- over freed blocks
    lifetime_max_ns           INTEGER NOT NULL,
    remote_free_count         INTEGER NOT NULL, -- freed by another thread
    realloc_count             INTEGER NOT NULL, -- blocks that came from an older block
    realloc_moved_count       INTEGER NOT NULL,
    realloc_moved_bytes       INTEGER NOT NULL, -- bytes that moving had to copy
    realloc_chain_max         INTEGER NOT NULL, -- most reallocs that one block went through
    large_short_lived_count   INTEGER NOT NULL, -- >= 64 KiB and freed within 10 ms
    large_short_lived_bytes   INTEGER NOT NULL,
    allocation_count_stderr   INTEGER,          -- NULL: exact
    allocated_bytes_stderr    INTEGER,
    leaked_count_stderr       INTEGER,
    leaked_bytes_stderr       INTEGER,
    PRIMARY KEY (process_id, stack_id)
) WITHOUT ROWID;

-- The blocks of a site that were live at the end, by whether they could be reached. Where the sum is
-- less than site.leaked_count, the rest was allocated after the look.
CREATE TABLE site_leak (
    process_id   INTEGER NOT NULL REFERENCES process (id),
    stack_id     INTEGER NOT NULL REFERENCES stack (id),
    leak_kind    TEXT NOT NULL,               -- definite, indirect, possible, reachable
    leaked_count INTEGER NOT NULL,
    leaked_bytes INTEGER NOT NULL,
    PRIMARY KEY (process_id, stack_id, leak_kind)
) WITHOUT ROWID;

-- Blocks freed by the thread that allocated them after `within` to 2*`within`-1 more allocations of
-- that thread (0: before its next one). Summing rows up to N gives "temporary within N".
CREATE TABLE temporary (
    process_id INTEGER NOT NULL REFERENCES process (id),
    stack_id   INTEGER NOT NULL REFERENCES stack (id),
    within     INTEGER NOT NULL,
    free_count INTEGER NOT NULL,
    PRIMARY KEY (process_id, stack_id, within)
) WITHOUT ROWID;

-- Requested sizes: exact to 1024 bytes, then eight classes a doubling.
CREATE TABLE size_class (
    process_id       INTEGER NOT NULL REFERENCES process (id),
    size_min_bytes   INTEGER NOT NULL,
    size_max_bytes   INTEGER NOT NULL,
    allocation_count INTEGER NOT NULL,
    allocated_bytes  INTEGER NOT NULL,
    usable_bytes     INTEGER NOT NULL,
    free_count       INTEGER NOT NULL,
    live_count_max   INTEGER NOT NULL,
    leaked_count     INTEGER NOT NULL,
    PRIMARY KEY (process_id, size_min_bytes)
) WITHOUT ROWID;

-- How long freed blocks lived: [lifetime_min_ns, 2*lifetime_min_ns); 0 holds 0 and 1.
CREATE TABLE lifetime_class (
    process_id      INTEGER NOT NULL REFERENCES process (id),
    lifetime_min_ns INTEGER NOT NULL,
    free_count      INTEGER NOT NULL,
    freed_bytes     INTEGER NOT NULL,
    PRIMARY KEY (process_id, lifetime_min_ns)
) WITHOUT ROWID;

-- Calls to the allocator by kind, and how long those took that were timed. The free half of a
-- realloc is not a call of its own.
CREATE TABLE call_latency (
    process_id  INTEGER NOT NULL REFERENCES process (id),
    kind        TEXT NOT NULL,              -- malloc ... new[], free ... delete[]
    call_count  INTEGER NOT NULL,
    timed_count INTEGER NOT NULL,
    time_sum_ns INTEGER NOT NULL,           -- of the timed calls, as is what follows
    time_max_ns INTEGER NOT NULL,
    long_count  INTEGER NOT NULL,           -- that took more than 1 ms
    long_sum_ns INTEGER NOT NULL,
    PRIMARY KEY (process_id, kind)
) WITHOUT ROWID;

-- Timed calls by how long they took: exact to 32 ns, then 32 classes a doubling.
CREATE TABLE latency_class (
    process_id  INTEGER NOT NULL REFERENCES process (id),
    kind        TEXT NOT NULL,
    time_min_ns INTEGER NOT NULL,
    call_count  INTEGER NOT NULL,
    PRIMARY KEY (process_id, kind, time_min_ns)
) WITHOUT ROWID;

-- The same by the site of the block: 8 ns wide to 32 ns, then four classes a doubling.
CREATE TABLE site_latency (
    process_id  INTEGER NOT NULL REFERENCES process (id),
    stack_id    INTEGER NOT NULL REFERENCES stack (id),
    time_min_ns INTEGER NOT NULL,
    call_count  INTEGER NOT NULL,
    time_max_ns INTEGER NOT NULL,           -- of the calls of this class
    PRIMARY KEY (process_id, stack_id, time_min_ns)
) WITHOUT ROWID;

-- Equal slices of time; their width doubles when a run outgrows them, so there are at most 2048.
CREATE TABLE timeline (
    process_id       INTEGER NOT NULL REFERENCES process (id),
    at_ns            INTEGER NOT NULL,
    width_ns         INTEGER NOT NULL,
    live_bytes       INTEGER NOT NULL,        -- most in the slice
    live_count       INTEGER NOT NULL,        -- at the same moment
    allocation_count INTEGER NOT NULL,
    allocated_bytes  INTEGER NOT NULL,
    free_count       INTEGER NOT NULL,
    rss_bytes        INTEGER,                 -- most of the samples in the slice; NULL: none
    PRIMARY KEY (process_id, at_ns)
) WITHOUT ROWID;

CREATE TABLE mark (
    id         INTEGER PRIMARY KEY,
    process_id INTEGER NOT NULL REFERENCES process (id),
    thread_id  INTEGER NOT NULL REFERENCES thread (id),
    at_ns      INTEGER NOT NULL,
    kind       TEXT NOT NULL,                 -- frame, scope_begin, scope_end, mark
    name       TEXT NOT NULL
);

-- What the library in the program has counted by the end of its process: policy.take_count and so on
-- (docs/policies.md). Of a process that was killed: of some 0.1 s before, as at_ns says.
CREATE TABLE counter (
    process_id INTEGER NOT NULL REFERENCES process (id),
    name       TEXT NOT NULL,
    at_ns      INTEGER NOT NULL,
    value      INTEGER NOT NULL,
    PRIMARY KEY (process_id, name)
) WITHOUT ROWID;

-- What the memory of a process consisted of at a few dozen moments (/proc/PID/smaps, summed by kind).
CREATE TABLE memory_sample (
    process_id      INTEGER NOT NULL REFERENCES process (id),
    at_ns           INTEGER NOT NULL,
    kind            TEXT NOT NULL,        -- heap, anonymous, stack, code, file, shared, recorder, other
    mapped_bytes    INTEGER NOT NULL,
    rss_bytes       INTEGER NOT NULL,
    pss_bytes       INTEGER NOT NULL,     -- shared pages divided by how many share them
    lazy_free_bytes INTEGER NOT NULL,     -- of rss_bytes: given back, but not taken by the kernel yet
    swap_bytes      INTEGER NOT NULL,
    PRIMARY KEY (process_id, at_ns, kind)
) WITHOUT ROWID;

-- The resident pages of heap and anonymous mappings at those moments.
CREATE TABLE resident_range (
    process_id      INTEGER NOT NULL REFERENCES process (id),
    at_ns           INTEGER NOT NULL,
    start_address   INTEGER NOT NULL,
    end_address     INTEGER NOT NULL,     -- exclusive
    resident_bytes  INTEGER NOT NULL,     -- less than end - start where small gaps were closed
    mapping_address INTEGER NOT NULL,     -- where the mapping begins that holds it
    kind            TEXT NOT NULL,        -- heap, anonymous
    PRIMARY KEY (process_id, at_ns, start_address)
) WITHOUT ROWID;

-- What the allocator said of itself, asked in the program (run --introspect).
CREATE TABLE allocator_sample (
    process_id INTEGER NOT NULL REFERENCES process (id),
    at_ns      INTEGER NOT NULL,              -- the same for all that was asked at one time
    name       TEXT NOT NULL,
    value      INTEGER NOT NULL
);

-- Garbage collections of a Go program, from the gctrace lines of its runtime, whose sizes are whole MiB.
CREATE TABLE gc (
    process_id        INTEGER NOT NULL REFERENCES process (id),
    cycle             INTEGER NOT NULL,       -- 1 is the first of the process
    at_ns             INTEGER NOT NULL,       -- when its line was read, right after its end
    since_start_ns    INTEGER NOT NULL,       -- of the program, when it began
    gc_cpu_pct        INTEGER NOT NULL,       -- of all CPU time available so far
    sweep_stop_ns     INTEGER NOT NULL,       -- the world stood still to begin ...
    mark_ns           INTEGER NOT NULL,       -- ... marking, beside the program ...
    mark_stop_ns      INTEGER NOT NULL,       -- ... the world stood still to end
    sweep_stop_cpu_ns INTEGER NOT NULL,
    assist_cpu_ns     INTEGER NOT NULL,       -- by goroutines that wanted to allocate
    background_cpu_ns INTEGER NOT NULL,       -- by the collector's own goroutines
    idle_cpu_ns       INTEGER NOT NULL,       -- by processors that had nothing else to do
    mark_stop_cpu_ns  INTEGER NOT NULL,
    heap_start_bytes  INTEGER NOT NULL,       -- when it began
    heap_end_bytes    INTEGER NOT NULL,       -- when marking ended
    heap_live_bytes   INTEGER NOT NULL,       -- of that, reachable
    heap_goal_bytes   INTEGER NOT NULL,       -- where it was to end
    stack_bytes       INTEGER,                -- of goroutines; NULL: not told (before Go 1.18)
    global_bytes      INTEGER,
    processor_count   INTEGER NOT NULL,       -- GOMAXPROCS
    is_forced         INTEGER NOT NULL,       -- by runtime.GC() or debug.FreeOSMemory()
    PRIMARY KEY (process_id, cycle)
) WITHOUT ROWID;

-- Memory that the Go runtime has given back to the kernel, from its scavtrace lines.
CREATE TABLE scavenge (
    process_id     INTEGER NOT NULL REFERENCES process (id),
    at_ns          INTEGER NOT NULL,          -- when its line was read
    released_bytes INTEGER NOT NULL,          -- since the line before; is_forced: by this call
    eager_bytes    INTEGER,                   -- by goroutines near a limit; NULL: not told (before Go 1.21)
    returned_bytes INTEGER NOT NULL,          -- of the heap, the kernel has now
    in_use_pct     INTEGER NOT NULL,          -- of what it has not
    is_forced      INTEGER NOT NULL           -- by debug.FreeOSMemory()
);

-- How a Go program was recorded: what was used, and why no better.
CREATE TABLE go_runtime (
    process_id            INTEGER PRIMARY KEY REFERENCES process (id),
    go_version            TEXT NOT NULL,
    site_source           TEXT NOT NULL,      -- exit, reading, objects, import, none
    site_reason           TEXT,
    profile_rate_bytes    INTEGER,            -- one sample in so many bytes; 1: every object
    profile_read_ns       INTEGER,            -- the last reading
    profile_reading_count INTEGER NOT NULL,
    gc_source             TEXT NOT NULL,      -- gctrace, none
    gc_reason             TEXT,
    unread_line_count     INTEGER NOT NULL,   -- gctrace lines that are worded differently
    foreign_line_count    INTEGER NOT NULL,   -- of other Go programs with the same stderr
    lost_line_count       INTEGER NOT NULL,
    damaged_object_count  INTEGER NOT NULL    -- objects that could not be read: left out
);

-- Errors of the program: calls that the allocator's rules forbid. They were passed on unchanged.
CREATE TABLE fault (
    id              INTEGER PRIMARY KEY,
    process_id      INTEGER NOT NULL REFERENCES process (id),
    thread_id       INTEGER NOT NULL REFERENCES thread (id),
    at_ns           INTEGER NOT NULL,
    kind            TEXT NOT NULL,            -- double_free, interior_free, foreign_free, ...
    call            TEXT NOT NULL,            -- free, realloc, delete, memalign, ...
    address         INTEGER,                  -- what it was called with; NULL: bad_alignment
    given           INTEGER,                  -- the wrong size or alignment
    stack_id        INTEGER REFERENCES stack (id), -- of the call; NULL: not known
    block_address   INTEGER,                  -- where the block meant begins
    block_id        INTEGER,                  -- its row in allocation; NULL: not known, or has none
    block_stack_id  INTEGER REFERENCES stack (id)  -- where it was allocated
);

-- Processes that recorded ones have started, and that nothing could be preloaded into: a row per program
-- and reason. What they allocated, and what they started themselves, is not in the recording.
CREATE TABLE unrecorded (
    path          TEXT,             -- of the program, cut at its front ("..."); NULL: others, not named
    reason        TEXT,             -- static, rights, machine, preload; NULL: not known
    process_count INTEGER NOT NULL,
    pid           INTEGER,          -- of the first; NULL: not known
    parent_id     INTEGER REFERENCES process (id), -- that started the first; NULL: not known
    at_ns         INTEGER           -- when the first was started
);

-- What a sanitizer's runtime has printed in a process about an error.
CREATE TABLE sanitizer_report (
    id           INTEGER PRIMARY KEY,
    process_id   INTEGER NOT NULL REFERENCES process (id),
    thread_id    INTEGER NOT NULL REFERENCES thread (id),
    at_ns        INTEGER NOT NULL,
    tool         TEXT NOT NULL,                  -- AddressSanitizer, LeakSanitizer
    kind         TEXT NOT NULL,                  -- heap-use-after-free, double-free, leak, ...
    address      INTEGER,                        -- of the error; NULL: none is told
    access       TEXT,                           -- read, write; NULL: it is no access
    access_bytes INTEGER,
    stack_id     INTEGER REFERENCES stack (id),  -- where it happened
    text         TEXT NOT NULL                   -- as it was printed, without colours
);

-- The blocks that a report names.
CREATE TABLE sanitizer_block (
    report_id      INTEGER NOT NULL REFERENCES sanitizer_report (id),
    place          INTEGER NOT NULL,             -- 1, 2 ... in the order of the report
    role           TEXT NOT NULL,                -- block, direct_leak, indirect_leak, leaked_block
    address        INTEGER,                      -- where the block begins; NULL: not told
    size_bytes     INTEGER NOT NULL,             -- of all its blocks
    block_count    INTEGER NOT NULL,
    block_id       INTEGER,                      -- the (first) row in allocation; NULL: not known
    stack_id       INTEGER REFERENCES stack (id), -- where it was allocated
    freed_stack_id INTEGER REFERENCES stack (id), -- where it was freed; NULL: it was not
    PRIMARY KEY (report_id, place)
) WITHOUT ROWID;

CREATE TABLE alloc_kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE free_kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL);

-- What many blocks have in common.
CREATE TABLE context (
    id                 INTEGER PRIMARY KEY,
    process_id         INTEGER NOT NULL REFERENCES process (id),
    thread_id          INTEGER NOT NULL REFERENCES thread (id),
    stack_id           INTEGER NOT NULL REFERENCES stack (id),
    alloc_kind_id      INTEGER NOT NULL REFERENCES alloc_kind (id),
    free_kind_id       INTEGER REFERENCES free_kind (id), -- NULL: live
    freed_by_thread_id INTEGER REFERENCES thread (id),    -- NULL: live
    slack_bytes        INTEGER NOT NULL,                  -- usable_bytes - size_bytes
    region_address     INTEGER NOT NULL                   -- a multiple of 2 GiB
);

-- The blocks, packed: read them through the view `allocation`. Rows stand in the order in which
-- blocks died, the ones that never died last. Trailing NULLs are not stored, and so `id` takes no
-- room.
CREATE TABLE block (
    born_ns        INTEGER NOT NULL,
    lifetime_ns    INTEGER,               -- NULL while live
    address_offset INTEGER NOT NULL,      -- address - context.region_address
    size_bytes     INTEGER NOT NULL,
    context_id     INTEGER NOT NULL REFERENCES context (id),
    realloc_of_id  INTEGER,               -- the block that this one continues
    slack_bytes    INTEGER,               -- NULL: what the context says
    alignment      INTEGER,               -- NULL: the allocator's own choice
    leak_kind      TEXT,
    weight         INTEGER,               -- allocations that it stands for; NULL: itself
    id             INTEGER PRIMARY KEY
);
