-- Diplomas. Every person and school here is invented; the FINs are test keys.
CREATE TABLE diploma (
    number TEXT PRIMARY KEY,
    fin TEXT NOT NULL CHECK (length(fin) = 7),
    institution TEXT NOT NULL,
    speciality TEXT NOT NULL,
    degree TEXT NOT NULL CHECK (degree IN ('bachelor', 'master', 'doctor', 'secondary-special')),
    issued_on TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX diploma_by_person ON diploma (fin);

INSERT INTO diploma (number, fin, institution, speciality, degree, issued_on) VALUES
    ('BA000101', '0TEST01', 'Sınaq Dövlət Universiteti', 'Mühasibat uçotu və audit', 'bachelor', '2008-06-30'),
    ('MA000033', '0TEST01', 'Sınaq Dövlət Universiteti', 'Maliyyə', 'master', '2010-06-28'),
    ('BA000202', '0TEST02', 'Nümunə Pedaqoji İnstitutu', 'İbtidai sinif müəllimliyi', 'bachelor', '2011-06-29'),
    ('OI000077', '0TEST08', 'Sınaq Tibb Kolleci', 'Tibb bacısı işi', 'secondary-special', '2013-06-15');
