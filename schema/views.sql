-- views.sql - what people query. Stable names: columns are only added.

-- One row per allocation.
CREATE VIEW allocation AS
SELECT
    b.id AS id,
    (SELECT process_id FROM thread WHERE id = b.thread_id) AS process_id,
    b.thread_id AS thread_id,
    b.stack_id AS stack_id,
    (SELECT name FROM alloc_kind WHERE id = b.kinds % 32) AS kind,
    b.address AS address,
    b.size_bytes AS size_bytes,
    b.size_bytes + b.slack_bytes AS usable_bytes,
    b.alignment AS alignment,
    b.born_ns AS born_ns,
    b.born_ns + b.lifetime_ns AS died_ns,
    b.lifetime_ns AS lifetime_ns,
    CASE WHEN b.lifetime_ns IS NOT NULL THEN coalesce(b.freed_by_thread_id, b.thread_id) END
        AS freed_by_thread_id,
    CASE WHEN b.lifetime_ns IS NOT NULL THEN (SELECT name FROM free_kind WHERE id = b.kinds / 32) END
        AS free_kind,
    b.realloc_of_id AS realloc_of_id,
    b.leak_kind AS leak_kind
FROM block AS b;

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
