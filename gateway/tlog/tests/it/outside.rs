//! Trees as another implementation makes them: the Go project's `golang.org/x/mod/sumdb/tlog` (commit
//! fe2ec04f of 2026), with tiles eight levels high. It was given the leaves `leaf 0`, `leaf 1`, …; what
//! it made is here as figures alone.

use std::collections::HashMap;
use std::convert::Infallible;

use certs_keys::{DigestAlgorithm, Hasher};
use gateway_tlog::tile::tiles_of;
use gateway_tlog::tree::{self, Frontier, HashReader};
use gateway_tlog::{Hash, tile};

/// What came out for one size.
struct Made {
    size: u64,
    root: &'static str,
    /// How many tiles, and SHA-256 over all of them, level by level: path, line break, bytes.
    tiles: (usize, &'static str),
    /// SHA-256 over the proofs of 21 leaves, spread from the first to the last.
    inclusion: &'static str,
    /// SHA-256 over the proofs from the trees that end with these leaves.
    consistency: &'static str,
}

/// Every complete subtree.
#[derive(Default)]
struct Nodes(HashMap<(u8, u64), Hash>);

impl HashReader for Nodes {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[&(level, index)])
    }
}

#[test]
fn roots_tiles_and_proofs_are_those_of_the_go_project() {
    let mut nodes = Nodes::default();
    let mut frontier = Frontier::new();
    for made in MADE {
        while frontier.size() < made.size {
            let data = format!("leaf {}", frontier.size());
            for node in frontier.push(tree::leaf_hash(data.as_bytes())) {
                nodes.0.insert((node.level, node.index), node.hash);
            }
        }
        check(&nodes, &frontier, made);
    }
}

#[track_caller]
fn check(nodes: &Nodes, frontier: &Frontier, made: &Made) {
    let size = made.size;
    let root = frontier.root();
    assert_eq!(hex::encode(root), made.root, "{size}");
    assert_eq!(tree::root(nodes, size), Ok(root));

    let tiles: Vec<_> = tiles_of(size).collect();
    let mut all = Hasher::new(DigestAlgorithm::Sha256);
    for tile in &tiles {
        all.update(tile.path().as_bytes());
        all.update(b"\n");
        all.update(&tile.read(nodes).unwrap());
    }
    let found = (tiles.len(), hex::encode(all.finish().as_bytes()));
    assert_eq!((found.0, found.1.as_str()), made.tiles, "{size}");
    let whole = |tile: &tile::Tile| tile.read(nodes);
    let from_tiles = tile::TileHashes::new(size, whole);
    assert_eq!(tree::root(&from_tiles, size), Ok(root));

    let mut inclusion = Hasher::new(DigestAlgorithm::Sha256);
    let mut consistency = Hasher::new(DigestAlgorithm::Sha256);
    for place in 0..=20 {
        let index = place * (size - 1) / 20;
        let proof = tree::inclusion_proof(&from_tiles, index, size).unwrap();
        let leaf = nodes.hash(0, index).unwrap();
        tree::verify_inclusion(&leaf, index, size, &proof, &root).unwrap();
        proof.iter().for_each(|hash| inclusion.update(hash));
        let old = index + 1;
        let proof = tree::consistency_proof(&from_tiles, old, size).unwrap();
        let old_root = tree::root(nodes, old).unwrap();
        tree::verify_consistency(old, size, &old_root, &root, &proof).unwrap();
        proof.iter().for_each(|hash| consistency.update(hash));
    }
    let [inclusion, consistency] = [inclusion, consistency].map(Hasher::finish);
    assert_eq!(hex::encode(inclusion.as_bytes()), made.inclusion, "{size}");
    assert_eq!(
        hex::encode(consistency.as_bytes()),
        made.consistency,
        "{size}"
    );
}

const MADE: &[Made] = &[
    Made {
        size: 1,
        root: "1bb97dcc21635d47e2663efdfd0a174686d98dd701352dd2cd06e8b43fd3d305",
        tiles: (
            1,
            "8af127ebe41867bcb5b638229d644bfdea0d5dcc613e928e0669ebd20606b386",
        ),
        inclusion: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        consistency: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    },
    Made {
        size: 2,
        root: "fc5f6b88ff8554f75bb2f9e6f39c31b1936d44b69276edf7b1205a955b9761e3",
        tiles: (
            1,
            "1964efc3a58970601f3df715179227fa00c0c45c72a7b03c6da85d598da24e55",
        ),
        inclusion: "1b62f41cfdc70c2168270ef991458e265f683cd0ad7dc46c0dbc8d65bb86bcb1",
        consistency: "9890e4cb19e56565651512ab9a3351c157cecf50fbcf6cfc03c7dda8c77a0d51",
    },
    Made {
        size: 3,
        root: "d4f92c8fbb89720eb3b55677c7d7efaddfeb10d11a1a84a0ba8f1a23337faa95",
        tiles: (
            1,
            "2e0eb84e40e25d1b376f8ee692162e2f6e96887ec3c1d27af221da2ab23f62e3",
        ),
        inclusion: "716b040bcb0da93fc1a97879d500a9d8b60f84b589e58e2106173f7c5ce4776c",
        consistency: "36008e42e6073142109c35f4d8e6ef042a6061e15cc4503ce55d9d28ecbd6ec9",
    },
    Made {
        size: 255,
        root: "d71592a219d4067663eede247f9b54c3f9e0290682d55de09b495b07f1de41c9",
        tiles: (
            1,
            "2ab6ea272b1774767688bf1c8f2a748383ece10858952e955c4108d1a98761ea",
        ),
        inclusion: "943f679685dfde05d7da2536662c3dbba0977632a1f2349f9acc960733d1c13c",
        consistency: "58750febfb3fe67f422ce15a5d8d6885c23966596f5b59f8de0d9434fb7ed7bf",
    },
    Made {
        size: 256,
        root: "cf5effdb11d0927a2edf53b0e73c7837f659414e00537da5d90eb5c4c49ff274",
        tiles: (
            2,
            "49deff3a6ad0e0f4f8cacd5767998143df8090803459649e88085b8e3e1a3338",
        ),
        inclusion: "84b6e75b5754c85aff1c1697e039bdff2e4ce5f1aedd6da0040a4d8a1dc93f9d",
        consistency: "bdee245e8cd70c0f59cca6f371f94bd5fadb17c9ed46605b5350f80efbb74797",
    },
    Made {
        size: 257,
        root: "855b936aa00cb98b5114484249ad39d78a6be93623e26c01e8e487dc02184a5a",
        tiles: (
            3,
            "3a92dfe27a2e4921527475f9c1ee1f10341cc73c12e642d84ad8650c4cd921c2",
        ),
        inclusion: "6bc502c1f7fe7dcba345dbac3864e58f0cb8cf102e78a300a9fdb10360e931ad",
        consistency: "15f95f01ebc60e362c22c386f8b640c6f41f6667694a8c20c6c59dcba3e43442",
    },
    Made {
        size: 600,
        root: "61e5b79b4aeb46d745d232a9e19e8517f31a08f5bfc07a474aa5b82ab5801bda",
        tiles: (
            4,
            "8c4d6a2614bb9b2c763cda7d3d7d3b1b635151bb1c6b211dae30816f240304f0",
        ),
        inclusion: "87956109caeada384e7c1b1322b638a7d691067861e36f2ab8eac1896eb5b66e",
        consistency: "fc69494708b60b15f5d4a7ec3052e4f308a65b1909dc758c12ffa4d192c72ca0",
    },
    Made {
        size: 4096,
        root: "eaaabe77c3b973a9949215c31d6e575182023ff01afef35d25003a2505068d47",
        tiles: (
            17,
            "a0ec837e862c06b557a8dcd76a778c4815bda3873b4c969ce211c46885b9ea23",
        ),
        inclusion: "aa37f2db4f13b673b0ff77086e6cfdce3ec6502418b83b6c70c90462a4ac22ae",
        consistency: "ae9b12ca25464dfc893318e6ed818a95c24bae0a56f877e8f6d0cbe89babe030",
    },
    Made {
        size: 65_535,
        root: "b592480df20f0dd456e39db9cdb0a1fa85f3617ec2d30cffc52760c38776f393",
        tiles: (
            257,
            "9cd9022d72d8d45aa649850975ce5b89d0fa2da74aeed6240a955c218e1d129c",
        ),
        inclusion: "32f4e029636abfef746672a7614e52b71bc1d0fd30ffcaab16d4735136912bf2",
        consistency: "7ff34698a58f17e430cc902a4b427b6f37f34deb16ac6d22f5153ec910c7b9e4",
    },
    Made {
        size: 65_536,
        root: "e100ba54d69a91012fc13b7890feac78d6996a097268b6f735d17311c7402a60",
        tiles: (
            258,
            "e8b71a4a2edc7196ff4b56e38b6b2bb4a4e1d7881ff615f13e40e0cb439573b5",
        ),
        inclusion: "f0e486e9082a9fcb7fcb461b3538586a3e9a9588b28cdbc3ace679fcd4fc8e44",
        consistency: "4e36e08fa0b34aabd9c123cc417bb4c0beacd0b95059b96780b4399c829be0e6",
    },
    Made {
        size: 65_537,
        root: "689b22742cab2adeb36ba622ff2736336464858f5de4a2c02f33bf163e7dca5f",
        tiles: (
            259,
            "dc4344537b0e9fc22359e3eabfceed926e9322cb60d7e04bd614331cbf9b6dad",
        ),
        inclusion: "f28505d95c05b0b14dd6dd14e800e51b0513236a5be483beae1eb79f5b079903",
        consistency: "0a9caf8cd3cc8a387bb215c06f5534937a254add4bef81a055ea641582de897f",
    },
    Made {
        size: 66_000,
        root: "79705a012c2c8d83374ac8a421a522596c2bee7dd8c5592572023a8e213324a2",
        tiles: (
            261,
            "4d8e028ccb5ccb2d6b488eaac95360fb120481f72f6f2d3fa19f40c73e6c3b57",
        ),
        inclusion: "4579123bb250c6f718cddd8730bfc2c8e98b026ca71502872245a07b576a79f3",
        consistency: "937f68222d61997829f5f38756feb6dc77e27cab76c8d573139ad4f69d6a7d53",
    },
    Made {
        size: 70_000,
        root: "da0532ff7b2ee56f4067110fc964e9f27b5959f9527bfff3fa501aa7584deaf3",
        tiles: (
            277,
            "74dcbcfaaf77dd2018d98e1755a8e9a5a50cc9017a18d0934723fcfa8b0317b2",
        ),
        inclusion: "7ed00725ba13d518e9ddbe74ce67c14da440fe96bfd81d82f6db820338243d94",
        consistency: "f60604c6d03b9a7a18253ab954f6d36f16233c9e288353662761cbfcea5b5dd1",
    },
];
