//! x
#![allow(clippy::all, reason="x")]
use conformance_fuzz::{Target, mutate::{Random, mutate}};
fn main() {
    for name in ["openpgp_key","archive_openpgp","linking_info"] {
        let t = Target::find(name).unwrap();
        let seeds = t.seeds().unwrap();
        let mut r = Random::new(4711);
        let start = std::time::Instant::now();
        let (mut n, mut slow) = (0, 0);
        while start.elapsed().as_secs() < 50 {
            let m = mutate(&mut r, &seeds[n % seeds.len()], &seeds[(n / 7) % seeds.len()]);
            n += 1;
            let s = std::time::Instant::now();
            if std::panic::catch_unwind(|| (t.run)(&m)).is_err() {
                println!("{name} {}", m.iter().map(|b| format!("{b:02x}")).collect::<String>());
            }
            if s.elapsed().as_millis() > 500 { slow += 1; println!("slow {:?} {}", s.elapsed(), m.len()); }
        }
        println!("{name} {n} slow {slow}");
    }
}
