-- Pensions, and the income that contributions were paid on. Every person here is invented; the FINs are test keys.
CREATE TABLE pension (
    fin TEXT NOT NULL CHECK (length(fin) = 7),
    kind TEXT NOT NULL CHECK (kind IN ('age', 'disability', 'survivor')),
    monthly_amount TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (fin, kind)
) WITHOUT ROWID;

INSERT INTO pension (fin, kind, monthly_amount, since) VALUES
    ('0TEST05', 'age', '512.30', '2016-08-09'),
    ('0TEST06', 'age', '398.00', '2018-12-25'),
    ('0TEST07', 'disability', '276.75', '2021-04-01');

CREATE TABLE income (
    fin TEXT NOT NULL CHECK (length(fin) = 7),
    month TEXT NOT NULL CHECK (length(month) = 7),
    employer_voen TEXT NOT NULL CHECK (length(employer_voen) = 10),
    amount TEXT NOT NULL,
    PRIMARY KEY (fin, month, employer_voen)
) WITHOUT ROWID;

INSERT INTO income (fin, month, employer_voen, amount) VALUES
    ('0TEST01', '2026-08', '0000001461', '1640.50'),
    ('0TEST01', '2026-09', '0000001461', '1640.50'),
    ('0TEST01', '2026-10', '0000001461', '1722.00'),
    ('0TEST02', '2026-08', '0000000671', '720.00'),
    ('0TEST02', '2026-09', '0000000671', '720.00'),
    ('0TEST02', '2026-10', '0000000671', '720.00');
