-- Pensions. Every person here is invented; the FINs are test keys.
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
