-- views.sql - what people query. Stable names: columns are only added.

-- One row per allocation.
CREATE VIEW allocation AS
SELECT
    b.id AS id,
    c.process_id AS process_id,
    c.thread_id AS thread_id,
    c.stack_id AS stack_id,
    (SELECT name FROM alloc_kind WHERE id = c.alloc_kind_id) AS kind,
    c.region_address + b.address_offset AS address,
    b.size_bytes AS size_bytes,
    b.size_bytes + coalesce(b.slack_bytes, c.slack_bytes) AS usable_bytes,
    b.alignment AS alignment,
    b.born_ns AS born_ns,
    b.born_ns + b.lifetime_ns AS died_ns,
    b.lifetime_ns AS lifetime_ns,
    c.freed_by_thread_id AS freed_by_thread_id,
    (SELECT name FROM free_kind WHERE id = c.free_kind_id) AS free_kind,
    b.realloc_of_id AS realloc_of_id,
    b.leak_kind AS leak_kind,
    coalesce(b.weight, 1) AS weight
FROM block AS b
LEFT JOIN context AS c ON c.id = b.context_id;

-- Every stack spelled out: position 0 is the function nearest to the allocation. Use it with
-- `WHERE stack_id = N` on small sets; a recursive view visits the whole tree.
CREATE VIEW stack_frame AS
WITH RECURSIVE
    node (stack_id, parent_id, frame_id, level) AS (
        SELECT id, parent_id, frame_id, 0 FROM stack WHERE id IN (SELECT stack_id FROM site)
        UNION ALL
        SELECT node.stack_id, stack.parent_id, stack.frame_id, level + 1
        FROM node JOIN stack ON stack.id = node.parent_id
    ),
    expanded (stack_id, level, inline_level, frame_id) AS (
        SELECT stack_id, level, 0, frame_id FROM node
        UNION ALL
        SELECT stack_id, level, inline_level + 1, frame.inlined_by_id
        FROM expanded JOIN frame ON frame.id = expanded.frame_id
        WHERE frame.inlined_by_id IS NOT NULL
    )
SELECT
    stack_id,
    row_number() OVER (PARTITION BY stack_id ORDER BY level, inline_level) - 1 AS position,
    frame.function AS function,
    frame.file AS file,
    frame.line AS line,
    module.path AS module,
    frame.inlined_by_id IS NOT NULL AS is_inlined
FROM expanded
JOIN frame ON frame.id = expanded.frame_id
LEFT JOIN module ON module.id = frame.module_id;
