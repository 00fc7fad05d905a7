//! The country of the bench: one consumer, one provider.

use crate::country::{
    AdapterPlan, ClientPlan, Kind, Member, NodePlan, Plan, RightPlan, ServicePlan,
};

pub(super) const COUNTRY: Plan = Plan {
    member_classes: &[("GOV", "Agencies")],
    members: &[
        Member {
            class: "GOV",
            code: "0000000131",
            name: "Provider",
        },
        Member {
            class: "GOV",
            code: "0000001181",
            name: "Consumer",
        },
    ],
    groups: &[],
    nodes: &[
        NodePlan {
            name: "consumer",
            owner: "GOV/0000001181",
            title: "consumer",
            clients: &[ClientPlan {
                id: "GOV/0000001181/asks",
                services: &[],
                rights: &[],
            }],
        },
        NodePlan {
            name: "provider",
            owner: "GOV/0000000131",
            title: "provider",
            clients: &[ClientPlan {
                id: "GOV/0000000131/answers",
                services: &[
                    ServicePlan {
                        code: "echo",
                        kind: Kind::Rest { path: "/echo" },
                        adapter: "service",
                    },
                    ServicePlan {
                        code: "Echo",
                        kind: Kind::Soap { version: "v1" },
                        adapter: "service",
                    },
                ],
                rights: &[
                    RightPlan {
                        service: "echo",
                        subject: "GOV/0000001181/asks",
                        endpoint: None,
                    },
                    RightPlan {
                        service: "Echo",
                        subject: "GOV/0000001181/asks",
                        endpoint: None,
                    },
                ],
            }],
        },
    ],
    adapters: NONE,
    rules: None,
    portals: &[],
    supervisors: &[],
};

/// The service of the bench is not an adapter: it answers what it was sent.
const NONE: &[AdapterPlan] = &[];
