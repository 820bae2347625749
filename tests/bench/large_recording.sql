-- large_recording.sql - a recording as large as that of a big C++ compilation: 100,000 sites, 850,000 stacks.
-- It goes into the tables of schema/schema.sql. The figures have no meaning, only their number.
BEGIN;
INSERT INTO process VALUES
    (1, 4100, NULL, 'run', '/opt/demo/compiler', './compiler big.cc', 'glibc', '2.36', 0, 60000000000,
     'exited', 0, NULL, 5000000, 5000000, 900000000, 0, 70000, 80000000, 50000000000, 0, 0, 0, 0, 0, 120000000,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0);
INSERT INTO run VALUES
    (1, '0.1.0', 'complete', './compiler big.cc', '/src', 'testhost', 'Linux 6.1.0', 4, 'glibc 2.36', 'full',
     'auto', 64, 0, NULL, 1795392000000000000, 60000000000, 0, NULL, 5000000, 5000000, 900000000, 0, 80000000,
     50000000000, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO thread VALUES (1, 1, 4100, 'compiler', 0, 60000000000, 5000000, 900000000, 5000000, 0, 0);
INSERT INTO module VALUES (1, '/opt/demo/compiler', 'aa', 'dwarf');
INSERT INTO module_load VALUES (1, 1, 4194304, 8388608, 4194304, 0);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO frame
SELECT i, 1, i * 16, 'function_' || i, '/src/file_' || (i % 300) || '.cc', i % 4000 + 1, NULL FROM n;
-- Each caller comes before its callees, at most 40 apart in depth.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 850000)
INSERT INTO stack
SELECT i, CASE WHEN i > 10 THEN max(1, i - 1 - (i * 7919) % (i / 2)) END, (i * 31) % 20000 + 1, 1 FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO site
SELECT 1, i * 8, 'malloc', (i * 7919) % 100 + 1, ((i * 7919) % 100 + 1) * (i % 997 + 8),
       ((i * 7919) % 100 + 1) * (i % 997 + 16), (i * 7919) % 100 + 1, 0, 8, 4096, 50, 3200, i % 50,
       i % 50 * 64, 0, 0, i % 100 * 1000, i % 100, i * 100000, i * 1000, i % 7, i % 5, i % 4, i % 4 * 100,
       i % 9, 0, 0, NULL, NULL, NULL, NULL
FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO temporary SELECT 1, i * 8, 0, (i * 7919) % 50 + 1 FROM n;
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2047)
INSERT INTO timeline SELECT 1, i * 29000000, 29000000, i * 39000, i, 2441, 439453, 2441, 100000000 FROM n;
COMMIT;
