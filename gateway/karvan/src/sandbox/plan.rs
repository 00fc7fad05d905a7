//! The country of the sandbox. Every person in it is invented; member codes and FINs are test keys
//! that can be nobody's.

use crate::country::{
    AdapterPlan, ClientPlan, DESK, Kind, Member, NodePlan, Plan, RightPlan, ServicePlan,
};

/// The country of the sandbox.
pub(super) const COUNTRY: Plan = Plan {
    member_classes: &[
        ("GOV", "Dövlət qurumları"),
        ("COM", "Kommersiya təşkilatları"),
    ],
    members: MEMBERS,
    // The systems that may ask for a family's papers.
    groups: &[
        ("social-aid", &["GOV/0000000261/vemtas"]),
        ("registers", REGISTERS),
    ],
    nodes: NODES,
    adapters: ADAPTERS,
    rules: Some(include_str!("../../../../examples/country/rules.json")),
    portals: &["GOV/0000001181/mygov"],
    supervisors: &["GOV/0000001181/nezaret"],
};

/// Whoever gives data tells the supervisor of each break-glass use.
const REGISTERS: &[&str] = &[
    "GOV/0000000131/iamas",
    "GOV/0000000261/emas",
    "GOV/0000000391/pensiya",
    "GOV/0000000391/muavinet",
    "GOV/0000000411/ehdr",
    "GOV/0000000411/vva",
];

const MEMBERS: &[Member] = &[
    Member {
        class: "GOV",
        code: "0000000131",
        name: "Daxili İşlər Nazirliyi",
    },
    Member {
        class: "GOV",
        code: "0000000261",
        name: "Əmək və Əhalinin Sosial Müdafiəsi Nazirliyi",
    },
    Member {
        class: "GOV",
        code: "0000000391",
        name: "Dövlət Sosial Müdafiə Fondu",
    },
    Member {
        class: "GOV",
        code: "0000000411",
        name: "Ədliyyə Nazirliyi",
    },
    Member {
        class: "GOV",
        code: "0000000541",
        name: "Səhiyyə Nazirliyi",
    },
    Member {
        class: "GOV",
        code: "0000001181",
        name: "İnnovasiya və Rəqəmsal İnkişaf Agentliyi",
    },
    Member {
        class: "COM",
        code: "0000001201",
        name: "Nümunə Bank",
    },
];

const fn soap(code: &'static str, adapter: &'static str) -> ServicePlan {
    ServicePlan {
        code,
        kind: Kind::Soap { version: "v1" },
        adapter,
    }
}

const fn rest(code: &'static str, adapter: &'static str, path: &'static str) -> ServicePlan {
    ServicePlan {
        code,
        kind: Kind::Rest { path },
        adapter,
    }
}

const fn right(service: &'static str, subject: &'static str) -> RightPlan {
    RightPlan {
        service,
        subject,
        endpoint: None,
    }
}

/// A right of the portal on one REST endpoint.
const fn portal(service: &'static str, method: &'static str, path: &'static str) -> RightPlan {
    RightPlan {
        service,
        subject: "GOV/0000001181/mygov",
        endpoint: Some((method, path)),
    }
}

/// The population register stands on two nodes: where one fails, the other goes on.
const IAMAS: ClientPlan = ClientPlan {
    id: "GOV/0000000131/iamas",
    services: &[
        soap("GetPersonByFin", "iamas"),
        soap("GetFamily", "iamas"),
        rest("persons", "iamas", "/persons"),
        rest("population", "iamas", ""),
    ],
    rights: &[
        right("GetPersonByFin", "GOV/0000001181/mygov"),
        right("GetPersonByFin", "@social-aid"),
        right("GetFamily", "GOV/0000001181/mygov"),
        right("GetFamily", "@social-aid"),
        portal("persons", "GET", "/*"),
        RightPlan {
            service: "persons",
            subject: "GOV/0000000541/dogum",
            endpoint: Some(("GET", "/*")),
        },
        portal("population", "GET", "/persons/*"),
        portal("population", "GET", "/persons/*/family"),
    ],
};

const NODES: &[NodePlan] = &[
    NodePlan {
        name: "din",
        owner: "GOV/0000000131",
        title: "population register",
        clients: &[IAMAS],
    },
    NodePlan {
        name: "eesmn",
        owner: "GOV/0000000261",
        title: "labour and social protection",
        clients: &[
            ClientPlan {
                id: "GOV/0000000261/vemtas",
                services: &[],
                rights: &[],
            },
            ClientPlan {
                id: "GOV/0000000261/emas",
                services: &[
                    soap("GetLabourContracts", "emas"),
                    soap("RegisterLabourContract", "emas"),
                    rest("labour", "emas", ""),
                ],
                rights: &[
                    right("GetLabourContracts", "@social-aid"),
                    right("GetLabourContracts", "GOV/0000001181/mygov"),
                    right("RegisterLabourContract", "GOV/0000001181/mygov"),
                    portal("labour", "GET", "/persons/*/contracts"),
                    portal("labour", "POST", "/contracts"),
                ],
            },
            ClientPlan {
                id: "GOV/0000000391/pensiya",
                services: &[soap("GetPension", "pensiya"), rest("income", "pensiya", "")],
                rights: &[
                    RightPlan {
                        service: "income",
                        subject: "COM/0000001201/kredit",
                        endpoint: Some(("GET", "/persons/*/income")),
                    },
                    right("GetPension", "@social-aid"),
                    right("GetPension", "GOV/0000001181/mygov"),
                ],
            },
            ClientPlan {
                id: "GOV/0000000391/muavinet",
                services: &[
                    soap("NotifyBirth", "muavinet"),
                    rest("births", "muavinet", "/births"),
                ],
                rights: &[
                    right("NotifyBirth", "GOV/0000000411/vva"),
                    RightPlan {
                        service: "births",
                        subject: "GOV/0000000411/vva",
                        endpoint: Some(("POST", "**")),
                    },
                ],
            },
        ],
    },
    NodePlan {
        name: "en",
        owner: "GOV/0000000411",
        title: "justice",
        clients: &[
            ClientPlan {
                id: "GOV/0000000411/ehdr",
                services: &[soap("GetBirthRecord", "ehdr"), soap("GetChildren", "ehdr")],
                rights: &[
                    right("GetBirthRecord", "@social-aid"),
                    right("GetChildren", "@social-aid"),
                    right("GetBirthRecord", "GOV/0000001181/mygov"),
                ],
            },
            ClientPlan {
                id: "GOV/0000000411/vva",
                services: &[soap("NotifyBirth", "vva")],
                rights: &[right("NotifyBirth", "GOV/0000000541/dogum")],
            },
        ],
    },
    NodePlan {
        name: "iria",
        owner: "GOV/0000001181",
        title: "portal, shared by a clinic and a bank",
        clients: &[
            ClientPlan {
                id: "GOV/0000001181/mygov",
                services: &[],
                rights: &[],
            },
            // The registry's consent desk, an X-Road service like any other.
            ClientPlan {
                id: "GOV/0000001181/razilig",
                services: &[
                    rest("consents", DESK, "/consents"),
                    rest("cases", DESK, "/cases"),
                    rest("notices", DESK, "/notices"),
                ],
                rights: &[
                    right("consents", "GOV/0000001181/mygov"),
                    right("consents", "COM/0000001201/kredit"),
                    right("cases", "@social-aid"),
                    right("notices", "@registers"),
                    right("notices", "GOV/0000001181/nezaret"),
                ],
            },
            ClientPlan {
                id: "GOV/0000001181/nezaret",
                services: &[],
                rights: &[],
            },
            ClientPlan {
                id: "GOV/0000000541/dogum",
                services: &[],
                rights: &[],
            },
            ClientPlan {
                id: "COM/0000001201/kredit",
                services: &[],
                rights: &[],
            },
        ],
    },
    NodePlan {
        name: "din2",
        owner: "GOV/0000000131",
        title: "population register, second node",
        clients: &[IAMAS],
    },
];

macro_rules! adapter {
    ($name:literal, $sql:literal) => {
        AdapterPlan {
            name: $name,
            toml: include_str!(concat!("../../../../examples/country/", $name, ".toml")),
            sql: (
                $sql,
                include_str!(concat!("../../../../examples/country/", $sql)),
            ),
        }
    };
}

const ADAPTERS: &[AdapterPlan] = &[
    adapter!("iamas", "iamas.sql"),
    adapter!("emas", "emas.sql"),
    adapter!("pensiya", "pensiya.sql"),
    adapter!("muavinet", "muavinet.sql"),
    adapter!("ehdr", "justice.sql"),
    adapter!("vva", "justice.sql"),
];
