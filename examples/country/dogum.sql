-- Births in a clinic. Every person here is invented; the FINs are test keys.
CREATE TABLE birth (
    serial INTEGER PRIMARY KEY AUTOINCREMENT,
    mother_fin TEXT NOT NULL CHECK (length(mother_fin) = 7),
    birth_date TEXT NOT NULL,
    child_sex TEXT NOT NULL CHECK (child_sex IN ('M', 'F')),
    weight_grams INTEGER NOT NULL CHECK (weight_grams BETWEEN 300 AND 9000),
    multiple INTEGER NOT NULL DEFAULT 0 CHECK (multiple IN (0, 1))
);

CREATE VIEW notice AS
    SELECT printf('TX-%s-%04d', substr(birth_date, 1, 4), serial) AS medical_record, *
    FROM birth;

INSERT INTO birth (serial, mother_fin, birth_date, child_sex, weight_grams) VALUES
    (301, '0TEST02', '2014-06-21', 'M', 3480),
    (501, '0TEST02', '2026-03-02', 'F', 3210),
    (502, '0TEST08', '2026-03-05', 'M', 3650);
