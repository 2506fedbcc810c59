def test_x(web, caplog):
        c=web.client
        r=c.post("/api/v1/cases",json={"title":"Sak om naust"},headers={"Idempotency-Key":"a"})
        print(r.status_code,r.text,r.headers)
        r2=c.post("/api/v1/cases",json={"title":"Sak om naust"},headers={"Idempotency-Key":"a"})
        print(r2.status_code, r2.text)
        r2=c.post("/api/v1/cases",json={"title":"Sak om bru"},headers={"Idempotency-Key":"a"})
        print(r2.status_code, r2.text)
        u=r.json()["id"]
        print(c.get("/api/v1/cases/"+u).text)
        e=web.entry(u); d=web.document(e); print(d.status_code,d.text)
        d=d.json()["id"]
        for path in ("/","/cases","/cases/new","/cases/"+u,f"/cases/{u}/entries/new","/entries/"+e,"/documents/"+d,"/history/"+d,"/history/"+e,"/journal","/history/"+u,"/log","/healthz","/readyz","/metrics"):
            r=c.get(path); print(path,r.status_code, "" if r.status_code==200 else r.text.split("Lukk")[0][-10:])
        print("\n".join(r.exc_text or "" for r in caplog.records)[-3000:])
