-- State population register. Every person here is invented; the FINs are test keys.
CREATE TABLE person (
    fin TEXT PRIMARY KEY CHECK (length(fin) = 7),
    surname TEXT NOT NULL,
    given_name TEXT NOT NULL,
    patronymic TEXT,
    sex TEXT NOT NULL CHECK (sex IN ('M', 'F')),
    birth_date TEXT NOT NULL,
    birth_place TEXT,
    citizenship TEXT NOT NULL DEFAULT 'AZE',
    document_number TEXT UNIQUE,
    address TEXT
) WITHOUT ROWID;

CREATE TABLE relation (
    fin TEXT NOT NULL REFERENCES person (fin),
    relative_fin TEXT NOT NULL REFERENCES person (fin),
    relation TEXT NOT NULL CHECK (relation IN ('spouse', 'child', 'parent', 'sibling')),
    PRIMARY KEY (fin, relative_fin)
) WITHOUT ROWID;

INSERT INTO person (fin, surname, given_name, patronymic, sex, birth_date, birth_place, document_number, address) VALUES
    ('0TEST01', 'Məmmədov', 'Elçin', 'İsa oğlu', 'M', '1986-03-14', 'Gəncə', 'AA0000001', 'Bakı, Nərimanov r., Sınaq küç. 1, m. 12'),
    ('0TEST02', 'Məmmədova', 'Günay', 'Çingiz qızı', 'F', '1989-11-02', 'Şəki', 'AA0000002', 'Bakı, Nərimanov r., Sınaq küç. 1, m. 12'),
    ('0TEST03', 'Məmmədov', 'Tuğrul', 'Elçin oğlu', 'M', '2014-06-21', 'Bakı', 'AA0000003', 'Bakı, Nərimanov r., Sınaq küç. 1, m. 12'),
    ('0TEST04', 'Məmmədova', 'Aytən', 'Elçin qızı', 'F', '2019-01-30', 'Bakı', NULL, 'Bakı, Nərimanov r., Sınaq küç. 1, m. 12'),
    ('0TEST05', 'Şükürlü', 'İlqar', 'Ağasəf oğlu', 'M', '1951-08-09', 'Quba', 'AA0000005', 'Quba ş., Nümunə küç. 7'),
    ('0TEST06', 'Şükürlü', 'Zümrüd', 'Hüseyn qızı', 'F', '1955-12-25', 'Xaçmaz', 'AA0000006', 'Quba ş., Nümunə küç. 7'),
    ('0TEST07', 'Çıraqlı', 'Aydın', 'Rəşid oğlu', 'M', '1978-05-17', 'Lənkəran', 'AA0000007', 'Sumqayıt, 9-cu məhəllə, ev 3, m. 40'),
    ('0TEST08', 'Ağayeva', 'Könül', 'Fərhad qızı', 'F', '1993-09-05', 'Mingəçevir', 'AA0000008', 'Mingəçevir, Göl küç. 15'),
    ('0TEST09', 'Quliyev', 'Rövşən', 'Əli oğlu', 'M', '2001-02-11', 'Naxçıvan', 'AA0000009', 'Naxçıvan, Qala küç. 22'),
    ('0TEST10', 'Əliyeva', 'Sevinc', 'Vüqar qızı', 'F', '1967-07-28', 'Zaqatala', 'AA0000010', 'Zaqatala, Fındıqlı küç. 4');

INSERT INTO relation (fin, relative_fin, relation) VALUES
    ('0TEST01', '0TEST02', 'spouse'), ('0TEST02', '0TEST01', 'spouse'),
    ('0TEST01', '0TEST03', 'child'), ('0TEST03', '0TEST01', 'parent'),
    ('0TEST01', '0TEST04', 'child'), ('0TEST04', '0TEST01', 'parent'),
    ('0TEST02', '0TEST03', 'child'), ('0TEST03', '0TEST02', 'parent'),
    ('0TEST02', '0TEST04', 'child'), ('0TEST04', '0TEST02', 'parent'),
    ('0TEST03', '0TEST04', 'sibling'), ('0TEST04', '0TEST03', 'sibling'),
    ('0TEST05', '0TEST06', 'spouse'), ('0TEST06', '0TEST05', 'spouse');
