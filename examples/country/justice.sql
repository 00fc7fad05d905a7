-- Birth records of the Ministry of Justice, behind two systems: vva takes notices, ehdr gives records.
-- Every person here is invented; the FINs are test keys. A newborn has no FIN yet.
CREATE TABLE birth_record (
    serial INTEGER PRIMARY KEY AUTOINCREMENT,
    act_number TEXT UNIQUE,
    mother_fin TEXT NOT NULL CHECK (length(mother_fin) = 7),
    child_fin TEXT UNIQUE,
    medical_record TEXT NOT NULL UNIQUE,
    clinic_voen TEXT NOT NULL CHECK (length(clinic_voen) = 10),
    birth_date TEXT NOT NULL,
    child_sex TEXT NOT NULL CHECK (child_sex IN ('M', 'F')),
    child_name TEXT,
    registered_at TEXT NOT NULL DEFAULT (datetime('now')),
    sent_by TEXT,
    message_id TEXT
);

CREATE TRIGGER birth_record_number AFTER INSERT ON birth_record WHEN NEW.act_number IS NULL BEGIN
    UPDATE birth_record
    SET act_number = printf('DA-%s-%08d', substr(NEW.birth_date, 1, 4), NEW.serial)
    WHERE serial = NEW.serial;
END;

CREATE INDEX birth_record_by_mother ON birth_record (mother_fin);

INSERT INTO birth_record (serial, act_number, mother_fin, child_fin, medical_record, clinic_voen, birth_date, child_sex, child_name, registered_at) VALUES
    (17, 'DA-2014-00000017', '0TEST02', '0TEST03', 'TX-2014-0301', '0000000541', '2014-06-21', 'M', 'Tuğrul', '2014-06-25 07:30:00'),
    (44, 'DA-2019-00000044', '0TEST02', '0TEST04', 'TX-2019-0118', '0000000541', '2019-01-30', 'F', 'Aytən', '2019-02-04 07:30:00');
