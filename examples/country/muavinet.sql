-- Allowances. Every person here is invented; the FINs are test keys, the amount is an example.
CREATE TABLE rate (
    kind TEXT PRIMARY KEY,
    amount TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE allowance (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    mother_fin TEXT NOT NULL CHECK (length(mother_fin) = 7),
    act_number TEXT NOT NULL UNIQUE,
    birth_date TEXT NOT NULL,
    amount TEXT NOT NULL,
    assigned_at TEXT NOT NULL DEFAULT (datetime('now')),
    sent_by TEXT,
    message_id TEXT
);

INSERT INTO rate (kind, amount) VALUES ('birth', '500.00');

INSERT INTO allowance (mother_fin, act_number, birth_date, amount, assigned_at) VALUES
    ('0TEST02', 'DA-2019-00000044', '2019-01-30', '99.00', '2019-02-04 09:15:00');
