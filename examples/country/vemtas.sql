-- Applications for targeted social aid. Every person here is invented; the FINs are test keys.
CREATE TABLE application (
    number TEXT PRIMARY KEY,
    applicant_fin TEXT NOT NULL CHECK (length(applicant_fin) = 7),
    filed_on TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'refused'))
) WITHOUT ROWID;

CREATE TABLE member (
    number TEXT NOT NULL REFERENCES application (number),
    fin TEXT NOT NULL CHECK (length(fin) = 7),
    relation TEXT NOT NULL,
    PRIMARY KEY (number, fin)
) WITHOUT ROWID;

INSERT INTO application (number, applicant_fin, filed_on, state) VALUES
    ('VM-2026-000001', '0TEST01', '2026-01-12', 'open'),
    ('VM-2026-000002', '0TEST08', '2026-02-03', 'granted');

INSERT INTO member (number, fin, relation) VALUES
    ('VM-2026-000001', '0TEST01', 'applicant'),
    ('VM-2026-000001', '0TEST02', 'spouse'),
    ('VM-2026-000001', '0TEST03', 'child'),
    ('VM-2026-000001', '0TEST04', 'child'),
    ('VM-2026-000002', '0TEST08', 'applicant');
