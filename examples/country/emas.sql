-- Register of labour contracts. Every person here is invented; the FINs and VÖENs are test keys.
CREATE TABLE contract (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fin TEXT NOT NULL CHECK (length(fin) = 7),
    employer_voen TEXT NOT NULL CHECK (length(employer_voen) = 10),
    employer_name TEXT NOT NULL,
    position TEXT NOT NULL,
    start_date TEXT NOT NULL,
    end_date TEXT CHECK (end_date IS NULL OR end_date >= start_date),
    monthly_salary TEXT NOT NULL,
    registered_at TEXT NOT NULL DEFAULT (datetime('now')),
    sent_by TEXT,
    message_id TEXT,
    -- One post with one employer is notified once for its first day.
    UNIQUE (fin, employer_voen, position, start_date)
);

INSERT INTO contract (fin, employer_voen, employer_name, position, start_date, end_date, monthly_salary, registered_at) VALUES
    ('0TEST01', '0000001201', '"Sınaq Bank" ASC', 'Mühasib', '2012-09-01', '2018-04-30', '850.00', '2012-09-01 08:00:00'),
    ('0TEST01', '0000001461', '"Nümunə Tikinti" MMC', 'Baş mühasib', '2018-05-02', NULL, '1640.50', '2018-05-02 08:00:00'),
    ('0TEST02', '0000000671', 'Sınaq 7 nömrəli tam orta məktəb', 'Müəllim', '2015-09-15', NULL, '720.00', '2015-09-15 08:00:00'),
    ('0TEST07', '0000001461', '"Nümunə Tikinti" MMC', 'Çilingər', '2009-03-11', NULL, '900.00', '2009-03-11 08:00:00'),
    ('0TEST08', '0000000541', 'Sınaq klinikası', 'Tibb bacısı', '2016-01-20', NULL, '640.00', '2016-01-20 08:00:00');
